// What the baselines have in common.
#include "simulator/baselines/gate.hpp"

#include <algorithm>

namespace penstock::simulator {
namespace {

constexpr duration retry_after = std::chrono::seconds(1);

std::size_t at(request_class klass) {
    return static_cast<std::size_t>(klass);
}

}  // namespace

bool gate::drops(duration, time_point) {
    return false;
}

void gate::answered(duration, std::uint32_t, time_point) {}

// ── tickets ─────────────────────────────────────────────────────────────────────────────────────

gate::entry* gate::find(ticket who) noexcept {
    if (who.slot >= entries_.size()) return nullptr;
    entry& e = entries_[who.slot];
    return e.generation == who.generation && e.now != phase::over ? &e : nullptr;
}

void gate::remove(std::uint32_t slot) {
    entries_[slot].now = phase::over;
    ++entries_[slot].generation;
    free_.push_back(slot);
}

ticket gate::arrive(const work& work, time_point now) {
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(entries_.size()));
        entries_.emplace_back();
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    entry& e = entries_[slot];
    e = {.generation = e.generation, .now = phase::waiting, .klass = work.klass, .arrived = now};
    e.pools = work.pools;
    e.tried = work.tried;
    ++waiting_;
    const ticket who{slot, e.generation};
    queues_[rules_.realtime_first ? at(work.klass) : 0].push_back(who);
    return who;
}

cancel_result gate::cancel(ticket who, time_point) {
    entry* e = find(who);
    if (!e) return {cancel_result::state::over, {}};
    if (e->now == phase::granted) return {cancel_result::state::granted, e->replica};
    --waiting_;
    remove(who.slot);
    return {cancel_result::state::waiting, {}};
}

void gate::on(ticket who, const ticket_event& what, time_point now) {
    entry* e = find(who);
    if (!e || e->now != phase::granted) return;
    replica& r = replicas_[e->replica.value];
    if (std::holds_alternative<event::progress>(what)) return;
    if (std::holds_alternative<event::first_byte>(what))
        return answered(now - e->granted, r.in_flight, now);
    const auto* completed = std::get_if<event::completed>(&what);
    // Down until a probe says otherwise.
    if (completed && completed->end == ending::upstream_error) r.up = false;
    --r.in_flight;
    --in_flight_;
    remove(who.slot);
}

void gate::on(replica_index who, const replica_fact& what, time_point) {
    replica& r = replicas_[who.value];
    if (const auto* probe = std::get_if<fact::probed>(&what)) r.up = probe->healthy;
    if (const auto* scrape = std::get_if<fact::scraped>(&what)) r.scraped = *scrape;
    if (const auto* state = std::get_if<fact::state>(&what))
        r.up = state->now == replica_state::ready;
}

gate::indices gate::settings_changed(const domain_spec& spec, time_point) {
    indices out;
    for (replica& each : replicas_)
        each.listed = false;
    for (const pool_spec& pool : spec.pools) {
        const pool_index next{static_cast<std::uint32_t>(members_.size())};
        const pool_index p = pool_of_.try_emplace(pool.id, next).first->second;
        if (p == next) members_.emplace_back();
        members_[p.value].clear();
        out.pools.push_back(p);
        auto& indices_of_pool = out.replicas.emplace_back();
        for (const replica_spec& replica : pool.replicas) {
            const replica_index fresh{static_cast<std::uint32_t>(replicas_.size())};
            const replica_index r = replica_of_.try_emplace(replica.id, fresh).first->second;
            if (r == fresh) replicas_.emplace_back();
            replicas_[r.value].pool = p;
            replicas_[r.value].id = replica.id;
            replicas_[r.value].slots = replica.slots;
            replicas_[r.value].listed = true;
            members_[p.value].push_back(r);
            indices_of_pool.push_back(r);
        }
    }
    return out;
}

// ── verdicts ────────────────────────────────────────────────────────────────────────────────────

void gate::drop_dead(queue& q) {
    while (!q.empty() && !find(q.front()))
        q.pop_front();
    while (!q.empty() && !find(q.back()))
        q.pop_back();
}

gate::queue* gate::next_queue() {
    for (queue& q : queues_) {
        drop_dead(q);
        if (!q.empty()) return &q;
    }
    return nullptr;
}

bool gate::expire(time_point now, verdict_batch& out) {
    for (queue& q : queues_) {
        for (drop_dead(q); !q.empty(); drop_dead(q)) {
            const entry& e = entries_[q.front().slot];
            if (now - e.arrived < rules_.timeout[at(e.klass)]) break;
            if (out.size == verdict_batch_size) return false;
            refuse(q.front(), errc::queue_timeout, now, out);
            q.pop_front();
        }
    }
    return true;
}

replica_index gate::choose(const entry& e) {
    replica_index best;
    for (const pool_index pool : e.pools) {
        const auto& members = members_[pool.value];
        for (std::size_t i = 0; i < members.size(); ++i) {
            const replica_index each = members[(turn_ + i) % members.size()];
            const replica& r = replicas_[each.value];
            if (!r.listed || !r.up || e.tried.contains(each) || !takes(r)) continue;
            if (!best.valid() || load(r) < load(replicas_[best.value])) best = each;
        }
        if (best.valid()) break;
    }
    if (best.valid()) ++turn_;
    return best;
}

bool gate::advance(time_point now, verdict_batch& out) {
    if (!expire(now, out)) return true;
    while (queue* q = next_queue()) {
        if (out.size == verdict_batch_size) return true;
        const ticket who = newest_first() ? q->back() : q->front();
        entry& e = entries_[who.slot];
        const replica_index chosen = choose(e);
        if (!chosen.valid()) break;
        if (newest_first())
            q->pop_back();
        else
            q->pop_front();
        if (drops(now - e.arrived, now)) {
            refuse(who, errc::too_late, now, out);
            continue;
        }
        --waiting_;
        e.now = phase::granted;
        e.granted = now;
        e.replica = chosen;
        ++replicas_[chosen.value].in_flight;
        ++in_flight_;
        out.push(granted{.who = who, .replica = chosen});
    }
    // Whoever is too many came last.
    for (queue& q : queues_) {
        for (drop_dead(q); waiting_ > rules_.pending && !q.empty(); drop_dead(q)) {
            if (out.size == verdict_batch_size) return true;
            refuse(q.back(), errc::queue_full, now, out);
            q.pop_back();
        }
    }
    return false;
}

void gate::refuse(ticket who, errc reason, time_point now, verdict_batch& out) {
    out.push(refused{who, reason, now - entries_[who.slot].arrived, retry_after});
    --waiting_;
    remove(who.slot);
}

time_point gate::next_wakeup() const {
    time_point next = never;
    for (const queue& q : queues_) {
        if (q.empty()) continue;
        const entry& e = entries_[q.front().slot];
        next = std::min(next, after(e.arrived, rules_.timeout[at(e.klass)]));
    }
    return next;
}

std::vector<replica_view> gate::replicas(time_point) const {
    std::vector<replica_view> views;
    for (std::uint32_t i = 0; i < replicas_.size(); ++i) {
        const replica& r = replicas_[i];
        if (!r.listed) continue;
        replica_view& v = views.emplace_back();
        v.index = {i};
        v.pool = r.pool;
        v.id = r.id;
        v.state = r.up ? replica_state::ready : replica_state::dead;
        v.in_flight = r.in_flight;
        v.slots = r.slots;
    }
    return views;
}

}  // namespace penstock::simulator
