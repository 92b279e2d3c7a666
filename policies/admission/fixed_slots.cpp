// Admission by fixed slots.
#include "policies/admission/fixed_slots.hpp"

#include "policies/admission/units.hpp"

#include <algorithm>

namespace penstock::admission {
namespace {

using phase = ticket_phase;

time_point own_deadline(const work& work) noexcept {
    return std::min(work.ttft_deadline, work.deadline);
}

}  // namespace

fixed_slots::fixed_slots(const domain_spec& spec, time_point now) {
    settings_changed(spec, now);
}

admission_policy::indices fixed_slots::settings_changed(const domain_spec& spec, time_point now) {
    std::size_t most = 64;
    for (std::size_t c = 0; c < num_classes; ++c) {
        queue_[c] = spec.classes[c];
        most += spec.classes[c].pending;
    }
    lanes_.reserve(most);
    expiries_.reserve(most);
    arrivals_.reserve(64);
    for (const pool_spec& pool : spec.pools)
        for (const replica_spec& replica : pool.replicas)
            most += replica.slots;
    tickets_.reserve(most);
    retry_after_min_ = spec.retry_after_min;
    retry_after_max_ = std::max(spec.retry_after_min, spec.retry_after_max);
    changed_ = true;
    return replicas_.apply(spec, now);
}

demand fixed_slots::demand_of(const work& work) const {
    return {replicas_.known(work.pools), work.tried, work.needs};
}

// ── events ──────────────────────────────────────────────────────────────────────────────────────

ticket fixed_slots::arrive(const work& work, time_point now) {
    const std::uint32_t slot = tickets_.add();
    ticket_entry& e = tickets_[slot];
    e.now = phase::waiting;
    e.no_queue = work.no_queue;
    e.sequence = sequence_++;
    e.deadline = own_deadline(work);
    const time_point timeout = after(now, queue_[at(work.klass)].timeout);
    e.own_deadline = e.deadline <= timeout;
    e.expires = std::min(e.deadline, timeout);
    const demand wanted = demand_of(work);
    lanes_.append(slot, work.klass, wanted);
    replicas_.waiting_changed(wanted.pools, true, now);
    arrivals_.push_back(tickets_.name_of(slot));
    changed_ = true;
    return tickets_.name_of(slot);
}

cancel_result fixed_slots::cancel(ticket who, time_point now) {
    ticket_entry* e = tickets_.find(who);
    if (!e) return {cancel_result::state::over, {}};
    if (e->now == phase::granted) {
        e->canceled = true;
        return {cancel_result::state::granted, e->replica};
    }
    stop_waiting(who.slot, now);
    tickets_.remove(who.slot);
    return {cancel_result::state::waiting, {}};
}

void fixed_slots::end(ticket who, judgement how, time_point now) {
    const ticket_entry& e = *tickets_.find(who);
    replicas_.end(e.replica, e.canceled ? judgement::neutral : how, e.probe, now);
    tickets_.remove(who.slot);
    changed_ = true;
}

void fixed_slots::on(ticket who, const ticket_event& what, time_point now) {
    const ticket_entry* e = tickets_.find(who);
    if (!e || e->now != phase::granted) return;
    if (const auto* completed = std::get_if<event::completed>(&what)) {
        end(who, judgement_of(completed->end), now);
    } else if (const auto* busy = std::get_if<event::engine_refused>(&what)) {
        replicas_.pause(e->replica, busy->retry_after, now);
        end(who, judgement::neutral, now);
    }
}

void fixed_slots::on(replica_index who, const replica_fact& what, time_point now) {
    if (std::holds_alternative<fact::scraped>(what)) return;
    replicas_.learn(who, what, now);
    changed_ = true;
}

// ── verdicts ────────────────────────────────────────────────────────────────────────────────────

bool fixed_slots::advance(time_point now, verdict_batch& out) {
    if (!expire(now, out)) return true;
    if (!changed_ && now < next_change_) return false;
    changed_ = true;
    replicas_.measure(now);
    if (!serve(request_class::realtime, now, out)) return true;
    if (!serve(request_class::bulk, now, out)) return true;
    if (!judge_arrivals(now, out)) return true;
    changed_ = false;
    next_change_ = waiting() > 0 ? replicas_.next_change(now) : never;
    return false;
}

bool fixed_slots::expire(time_point now, verdict_batch& out) {
    while (expiries_.first_key_or(never) <= now) {
        if (full(out)) return false;
        const std::uint32_t slot = expiries_.first();
        const bool own = tickets_[slot].own_deadline;
        refuse(slot, own ? errc::deadline_spent : errc::queue_timeout, now, out);
    }
    return true;
}

fixed_slots::next_start fixed_slots::find_next(request_class klass, time_point now) const {
    next_start found;
    for (const std::uint32_t i : lanes_.active(klass)) {
        const lane& l = lanes_[i];
        if (found.slot != no_slot && tickets_[found.slot].sequence < tickets_[l.first].sequence)
            continue;
        if (!replicas_.any_free(l.wanted.pools) && replicas_.surely_busy(l.wanted)) continue;
        const replica_table::choice choice = replicas_.choose(l.wanted, now);
        if (choice.replica.valid()) {
            found.slot = l.first;
            found.replica = choice.replica;
        } else if (!choice.busy) {
            found.hopeless_lane = i;
        }
    }
    return found;
}

bool fixed_slots::serve(request_class klass, time_point now, verdict_batch& out) {
    for (;;) {
        const next_start next = find_next(klass, now);
        const bool hopeless = next.hopeless_lane != no_slot;
        if (!hopeless && next.slot == no_slot) return true;
        if (full(out)) return false;
        const std::uint32_t slot = hopeless ? lanes_[next.hopeless_lane].first : next.slot;
        if (tickets_[slot].deadline <= now)
            refuse(slot, errc::deadline_spent, now, out);
        else if (hopeless)
            refuse(slot, errc::no_replica, now, out);
        else
            grant(slot, next.replica, now, out);
    }
}

errc fixed_slots::judge(const ticket_entry& e, request_class klass, time_point now) const {
    if (e.deadline <= now) return errc::deadline_spent;
    if (e.no_queue) return errc::would_queue;
    if (queued_[at(klass)] >= queue_[at(klass)].pending) return errc::queue_full;
    if (e.expires <= now) return errc::queue_timeout;
    return errc::count_;
}

bool fixed_slots::judge_arrivals(time_point now, verdict_batch& out) {
    for (; next_arrival_ < arrivals_.size(); ++next_arrival_) {
        const ticket who = arrivals_[next_arrival_];
        ticket_entry* e = tickets_.find(who);
        if (!e || e->now != phase::waiting) continue;
        const request_class klass = lanes_[e->lane].klass;
        const errc verdict = judge(*e, klass, now);
        if (verdict == errc::count_) {
            e->judged = true;
            ++queued_[at(klass)];
            expiries_.put(who.slot, e->expires);
            continue;
        }
        if (full(out)) return false;
        refuse(who.slot, verdict, now, out);
    }
    arrivals_.clear();
    next_arrival_ = 0;
    return true;
}

void fixed_slots::stop_waiting(std::uint32_t slot, time_point now) {
    const ticket_entry& e = tickets_[slot];
    const lane& l = lanes_[e.lane];
    if (e.judged) {
        --queued_[at(l.klass)];
        expiries_.take(slot);
    }
    replicas_.waiting_changed(l.wanted.pools, false, now);
    lanes_.remove(slot);
}

void fixed_slots::grant(
    std::uint32_t slot, replica_index replica, time_point now, verdict_batch& out
) {
    const pool_list pools = lanes_[tickets_[slot].lane].wanted.pools;
    stop_waiting(slot, now);
    ticket_entry& e = tickets_[slot];
    e.now = phase::granted;
    e.replica = replica;
    e.probe = replicas_.begin(replica, now);
    for (const pool_index each : pools)
        replicas_.measure(each, now);
    out.push(granted{.who = tickets_.name_of(slot), .replica = replica, .probe = e.probe});
}

void fixed_slots::refuse(std::uint32_t slot, errc reason, time_point now, verdict_batch& out) {
    const lane l = lanes_[tickets_[slot].lane];
    const ticket who = tickets_.name_of(slot);
    stop_waiting(slot, now);
    tickets_.remove(slot);
    refused verdict{.who = who, .reason = reason};
    if (reason == errc::no_replica) {
        const time_point back = replicas_.back_at(l.wanted, now);
        verdict.retry_after = retry_after(back == never ? duration::zero() : back - now);
    } else {
        verdict.wait = predicted_wait(l.klass, l.wanted.pools);
        verdict.retry_after = retry_after(verdict.wait);
    }
    out.push(verdict);
}

duration fixed_slots::predicted_wait(request_class klass, const pool_list& pools) const {
    const double rate = replicas_.rate(pools);
    const std::uint32_t ahead = lanes_.ahead(klass, pools);
    if (rate <= 0 || ahead == 0) return {};
    const double wait = ahead / rate;
    constexpr double longest = 86'400;
    return std::chrono::duration_cast<duration>(
        std::chrono::duration<double>(std::min(wait, longest))
    );
}

duration fixed_slots::retry_after(duration wait) const {
    return std::clamp(wait, retry_after_min_, retry_after_max_);
}

// ── what the outside sees ───────────────────────────────────────────────────────────────────────

time_point fixed_slots::next_wakeup() const {
    if (waiting() == 0) return never;
    if (changed_) return {};
    return std::min(expiries_.first_key_or(never), next_change_);
}

prediction fixed_slots::explain(const work& work, time_point now) const {
    prediction p;
    const demand wanted = demand_of(work);
    replicas_.explain(wanted, now, p);
    for (std::size_t i = 0; i < num_classes; ++i)
        p.left[i].pending = left_of(queue_[i].pending, queued_[i]);
    p.reason = errc::deadline_spent;
    if (own_deadline(work) <= now) return p;
    const replica_table::choice choice = replicas_.choose(wanted, now);
    p.replica = choice.replica;
    p.would_admit = choice.replica.valid();
    p.reason = errc::no_replica;
    if (p.would_admit || !choice.busy) return p;
    p.queued = lanes_.ahead(work.klass, wanted.pools);
    p.wait = predicted_wait(work.klass, wanted.pools);
    const class_settings& queue = queue_[at(work.klass)];
    p.would_queue = !work.no_queue && queued_[at(work.klass)] < queue.pending;
    p.reason = work.no_queue ? errc::would_queue : errc::queue_full;
    p.retry_after = retry_after(p.wait);
    return p;
}

std::vector<queue_view> fixed_slots::queues(time_point) const {
    std::vector<queue_view> all;
    for (const pool_index pool : replicas_.pools()) {
        for (const auto klass : {request_class::realtime, request_class::bulk}) {
            pool_list one;
            one.push(pool);
            std::uint32_t waiting = 0;
            for (const std::uint32_t i : lanes_.active(klass))
                if (lanes_[i].wanted.pools.items[0] == pool) waiting += lanes_[i].size;
            all.push_back({
                .pool = pool,
                .klass = klass,
                .waiting = waiting,
                .wait = predicted_wait(klass, one),
            });
        }
    }
    return all;
}

std::vector<replica_view> fixed_slots::replicas(time_point now) const {
    return replicas_.views(now);
}

}  // namespace penstock::admission
