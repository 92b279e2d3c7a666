// What each replica was given and how fast it reads.
#include "policies/admission/engine_table.hpp"

#include <algorithm>
#include <numeric>

namespace penstock::admission {
namespace {

constexpr std::size_t looked_at = 4;     // at the top of a heap: those that differ in speed alone
constexpr double unknown_rate = 10'000;  // tokens a second, until anything is learned
// What a full replica seems later than an empty one, seconds: between equals the emptier wins.
constexpr double tie = 1e-3;

std::uint64_t kv_of(const work& w) noexcept {
    return std::uint64_t{w.prompt_tokens} + w.output_expected;
}

constexpr std::size_t at(request_class klass) noexcept {
    return static_cast<std::size_t>(klass);
}

duration as_duration(double seconds) noexcept {
    return std::chrono::duration_cast<duration>(
        std::chrono::duration<double>(std::min(seconds, 86'400.0))
    );
}

}  // namespace

// ── what there is ───────────────────────────────────────────────────────────────────────────────

void engine_table::apply(
    const domain_spec& spec, const admission_policy::indices& indices, time_point now
) {
    target_ = seconds(spec.classes[at(request_class::realtime)].tpot);
    for (engine& e : engines_)
        e.listed = false;
    for (pool& p : pools_)
        p = pool{};
    engines_.reserve(health_.size());
    while (engines_.size() < health_.size())
        engines_.emplace_back().prefill = departure_rate(how_.rate_fade);
    std::size_t tickets = 0;
    for (std::size_t i = 0; i < spec.pools.size(); ++i) {
        const pool_index at = indices.pools[i];
        if (pools_.size() <= at.value) pools_.resize(at.value + 1);
        std::vector<placement::bounded_ring::member> ring;
        for (std::size_t r = 0; r < spec.pools[i].replicas.size(); ++r) {
            const replica_index who = indices.replicas[i][r];
            enroll(spec.pools[i].replicas[r], who, at);
            ring.push_back({health_.id(who), who});
            tickets += spec.pools[i].replicas[r].slots;
        }
        pool& p = pools_[at.value];
        p.ring.build(ring);
        for (auto& heap : p.ready)
            heap.reserve(engines_.size());
    }
    changes_.reserve(engines_.size());
    readings_.reserve(tickets);
    for (std::uint32_t i = 0; i < engines_.size(); ++i)
        refresh(replica_index{i}, now);
}

void engine_table::enroll(const replica_spec& spec, replica_index who, pool_index pool) {
    engine& e = engines_[who.value];
    e.listed = true;
    e.usable = false;
    e.pool = pool;
    e.slots = spec.slots;
    e.kv_most = e.said_kv > 0 ? e.said_kv : spec.kv_tokens;
    e.limit.set_most(e.said_slots == 0 ? e.slots : std::min(e.slots, e.said_slots));
    auto& p = pools_[pool.value];
    p.members.push_back(who);
    p.offers &= spec.offers;
    p.in_flight += e.in_flight;
    p.kv += e.kv;
    p.rate_sum += e.rate;
    p.rates += e.rate > 0;
}

// ── where a replica stands ──────────────────────────────────────────────────────────────────────

std::uint32_t engine_table::limit(replica_index who, time_point now) const noexcept {
    return std::min(engines_[who.value].limit.value(), health_.limit(who, now));
}

double engine_table::typical_rate(pool_index i) const noexcept {
    const pool& p = pools_[i.value];
    return p.rates == 0 ? 0 : p.rate_sum / p.rates;
}

double engine_table::rate_of(const engine& e) const noexcept {
    if (e.rate > 0) return e.rate;
    const double typical = typical_rate(e.pool);
    return typical > 0 ? typical : unknown_rate;
}

bool engine_table::may_have_more(const engine& e) const noexcept {
    return e.unread < how_.engine_tokens || e.backlog < e.rate * seconds(how_.engine_work);
}

std::uint32_t engine_table::reserve(request_class as, std::uint32_t limit) const noexcept {
    if (as == request_class::realtime || limit <= how_.realtime_reserve) return 0;
    return how_.realtime_reserve;
}

void engine_table::forget_stale(engine& e, time_point now) noexcept {
    if (now < e.stale_at) return;
    e.stale_at = never;
    e.spoke = false;
    e.others = e.others_kv = 0;
    e.limit.pressed();
}

void engine_table::refresh(replica_index who, time_point now) {
    engine& e = engines_[who.value];
    if (!e.listed) {
        changes_.take(who.value);
        return;
    }
    forget_stale(e, now);
    pool& p = pools_[e.pool.value];
    const auto stands = health_.stands(who, now);
    const bool usable = stands != replica_table::standing::down;
    if (usable != e.usable) {
        e.usable = usable;
        p.usable += usable ? 1 : -1;
        p.slots += usable ? e.slots : -e.slots;
    }
    e.limit.in_flight(e.in_flight);
    const std::uint32_t limit = this->limit(who, now);
    const double running = e.in_flight + e.others;
    const bool room = stands == replica_table::standing::free && may_have_more(e);
    const double key = e.backlog / rate_of(e) + tie * running / std::max(1u, limit);
    for (const auto as : {request_class::realtime, request_class::bulk}) {
        auto& ready = p.ready[at(as)];
        if (room && running + reserve(as, limit) < limit)
            ready.put(who.value, key);
        else
            ready.take(who.value);
    }
    const time_point change = std::min(health_.next_change(who, now), e.stale_at);
    if (change == never)
        changes_.take(who.value);
    else
        changes_.put(who.value, change);
}

bool engine_table::pass(time_point now) {
    const bool any = next_change() <= now;
    while (readings_.first_key_or(never) <= now) {
        const std::uint32_t slot = readings_.first();
        const replica_index who = tickets_[slot].replica;
        stop_reading(slot, false, now);
        refresh(who, now);
    }
    while (changes_.first_key_or(never) <= now)
        refresh(replica_index{changes_.first()}, now);
    return any;
}

time_point engine_table::next_change() const noexcept {
    return std::min(changes_.first_key_or(never), readings_.first_key_or(never));
}

void engine_table::scraped(replica_index who, const fact::scraped& said, time_point now) {
    if (who.value >= engines_.size()) return;
    engine& e = engines_[who.value];
    if (e.spoke) e.stale_at = after(now, how_.stale_after * (now - e.heard));
    e.heard = now;
    e.spoke = true;
    if (said.max_running >= 1) {
        e.said_slots = static_cast<std::uint32_t>(std::min(said.max_running, 1e6));
        e.limit.set_most(std::min(e.slots, e.said_slots));
    }
    if (said.kv_tokens >= 1)
        e.kv_most = e.said_kv = static_cast<std::uint64_t>(std::min(said.kv_tokens, 1e15));
    if (said.running >= 0)
        e.others = std::max(0.0, said.running + std::max(0.0, said.waiting) - e.in_flight);
    if (said.kv_used >= 0 && e.kv_most > 0)
        e.others_kv = std::max(
            0.0, said.kv_used * static_cast<double>(e.kv_most) - static_cast<double>(e.kv)
        );
    const bool preempted = e.preemptions >= 0 && said.preemptions > e.preemptions;
    if (said.preemptions >= 0) e.preemptions = said.preemptions;
    // What we sent and it has not read waits there because we sent it.
    if (preempted || said.waiting > e.reading + how_.engine_queue) e.limit.pressed();
    review(who, now);
    refresh(who, now);
}

void engine_table::review(replica_index who, time_point now) {
    engines_[who.value].limit.review(target_, how_, now);
}

// ── what is sent to it and comes back ───────────────────────────────────────────────────────────

void engine_table::begin(std::uint32_t slot, const choice& where, time_point now) {
    const replica_index who = where.replica;
    request_entry& t = tickets_[slot];
    engine& e = engines_[who.value];
    pool& p = pools_[e.pool.value];
    t.replica = who;
    t.granted_at = now;
    t.predicted = where.ttft;
    t.kv = kv_of(t.work);
    e.kv += t.kv;
    p.kv += t.kv;
    ++e.in_flight;
    ++p.in_flight;
    // Of an answer in one piece nobody hears when its prompt was read: it is believed to have been
    // after as long as the rate says, which only streams teach. Without a rate it is left out.
    if (t.work.streamed || e.rate > 0) {
        t.reading = true;
        t.unread = t.work.prompt_tokens - where.cached;
        t.backlog = t.cost - where.cached;
        e.backlog += t.backlog;
        e.unread += t.unread;
        t.previous = e.newest;
        t.next = no_slot;
        (e.newest == no_slot ? e.oldest : tickets_[e.newest].next) = slot;
        e.newest = slot;
        ++e.reading;
        e.streams += t.work.streamed;
        if (!t.work.streamed) readings_.put(slot, after(now, as_duration(e.backlog / e.rate)));
        e.prefill.waiting_changed(e.streams > 0, now);
    }
    refresh(who, now);
}

void engine_table::stop_reading(std::uint32_t slot, bool was_read, time_point now) {
    request_entry& t = tickets_[slot];
    engine& e = engines_[t.replica.value];
    (t.previous == no_slot ? e.oldest : tickets_[t.previous].next) = t.next;
    (t.next == no_slot ? e.newest : tickets_[t.next].previous) = t.previous;
    t.reading = false;
    e.backlog = e.oldest == no_slot ? 0 : e.backlog - t.backlog;
    e.unread -= t.unread;
    --e.reading;
    e.streams -= t.work.streamed;
    readings_.take(slot);
    if (was_read) e.prefill.departed(now, t.backlog);
    e.prefill.waiting_changed(e.streams > 0, now);
}

void engine_table::first_token(std::uint32_t slot, time_point now) {
    request_entry& t = tickets_[slot];
    t.first_token_at = t.progress_at = now;
    engine& e = engines_[t.replica.value];
    const double took = seconds(now - t.granted_at);
    e.limit.saw_first_token(took);
    constexpr double in_time = 1e-4;  // and earlier: all the same
    if (t.predicted > 0) e.late.see(std::max(in_time, took - t.predicted));
    if (!t.reading) return;
    for (std::uint32_t i = e.oldest; i != slot;) {
        const std::uint32_t following = tickets_[i].next;
        if (!tickets_[i].work.streamed) stop_reading(i, true, now);
        i = following;
    }
    stop_reading(slot, true, now);
    const double rate = e.prefill.per_second();
    if (e.listed) {
        pool& p = pools_[e.pool.value];
        p.rate_sum += rate - e.rate;
        p.rates += (rate > 0) - (e.rate > 0);
    }
    e.rate = rate;
    refresh(t.replica, now);
}

void engine_table::progress(std::uint32_t slot, std::uint32_t tokens, time_point now) {
    request_entry& t = tickets_[slot];
    if (t.first_token_at == time_point{} || tokens == 0) return;
    engine& e = engines_[t.replica.value];
    e.limit.saw_time_per_token(seconds(now - t.progress_at) / tokens, tokens);
    t.progress_at = now;
    review(t.replica, now);
    refresh(t.replica, now);
}

void engine_table::end(std::uint32_t slot, std::uint64_t output, time_point now) {
    request_entry& t = tickets_[slot];
    engine& e = engines_[t.replica.value];
    if (t.reading) stop_reading(slot, false, now);
    // One that never told of its progress was over too soon for it.
    if (t.first_token_at != time_point{} && t.progress_at == t.first_token_at && output > 1) {
        const auto more = static_cast<std::uint32_t>(std::min<std::uint64_t>(output - 1, 1u << 20));
        e.limit.saw_time_per_token(seconds(now - t.first_token_at) / more, more);
    }
    --e.in_flight;
    e.kv -= t.kv;
    if (e.listed) {
        pool& p = pools_[e.pool.value];
        --p.in_flight;
        p.kv -= t.kv;
    }
    review(t.replica, now);
    refresh(t.replica, now);
}

// ── which one ───────────────────────────────────────────────────────────────────────────────────

bool engine_table::fits(const engine& e, const work& work) const noexcept {
    if (e.kv_most == 0 || e.in_flight == 0) return true;
    const double promised = static_cast<double>(e.kv + kv_of(work)) + e.others_kv;
    return promised <= how_.kv_share * static_cast<double>(e.kv_most);
}

replica_index engine_table::home_of(const work& work, const pool& p) const {
    if (work.affinity == 0 || p.members.empty()) return {};
    const double mean = static_cast<double>(p.kv) / static_cast<double>(p.members.size());
    const double most = how_.affinity_bound * mean + static_cast<double>(kv_of(work));
    return p.ring.find(work.affinity, [&](replica_index who) {
        return static_cast<double>(engines_[who.value].kv) <= most;
    });
}

engine_table::choice engine_table::choose(const work& work, pool_index pool, request_class as)
    const {
    choice found;
    const auto& p = pools_[pool.value];
    const auto& ready = p.ready[at(as)];
    if (ready.empty()) return found;
    const demand wanted{.tried = work.tried, .needs = work.needs};
    const replica_index home = home_of(work, p);
    const double cost = cost_of(work);
    double best = 0;
    const auto consider = [&](std::uint32_t i, double key) {
        const replica_index who{i};
        const engine& e = engines_[i];
        if (!health_.may_use(wanted, who)) return;
        if (!fits(e, work)) {
            found.lacks_room = true;
            return;
        }
        const std::uint32_t cached =
            who == home ? std::min(work.cached_hint, work.prompt_tokens) : 0;
        const double score = key + (cost - cached) / rate_of(e);
        if (found.replica.valid() && best <= score) return;
        best = score;
        found.replica = who;
        found.cached = cached;
        found.ttft = e.rate > 0 ? (e.backlog + cost - cached) / e.rate : 0;
        found.late = e.late.value();
    };
    const auto items = ready.items();
    for (const auto& item : items.first(std::min(looked_at, items.size())))
        consider(item.slot, item.key);
    if (home.valid() && ready.contains(home.value)) consider(home.value, ready.key_of(home.value));
    if (!found.replica.valid())
        for (const auto& item : items)
            consider(item.slot, item.key);
    found.odd = !found.replica.valid() && !found.lacks_room;
    return found;
}

bool engine_table::is_possible(const work& work, pool_index pool, time_point now) const {
    const auto& p = pools_[pool.value];
    if (p.usable == 0) return false;
    if (p.usable > work.tried.size && (work.needs & ~p.offers) == 0) return true;
    const demand wanted{.tried = work.tried, .needs = work.needs};
    return std::any_of(p.members.begin(), p.members.end(), [&](replica_index who) {
        return health_.may_use(wanted, who) &&
               health_.stands(who, now) != replica_table::standing::down;
    });
}

double engine_table::used(pool_index i) const noexcept {
    const pool& p = pools_[i.value];
    return p.slots == 0 ? 1 : static_cast<double>(p.in_flight) / p.slots;
}

prediction::candidate engine_table::candidate(const work& work, replica_index who, time_point now)
    const {
    const engine& e = engines_[who.value];
    const auto& p = pools_[e.pool.value];
    const demand wanted{.tried = work.tried, .needs = work.needs};
    const std::uint32_t cached =
        who == home_of(work, p) ? std::min(work.cached_hint, work.prompt_tokens) : 0;
    return {
        .replica = who,
        .eligible = p.ready[at(work.klass)].contains(who.value) && health_.may_use(wanted, who) &&
                    fits(e, work),
        .in_flight = e.in_flight,
        .slots = limit(who, now),
        .backlog = static_cast<std::uint64_t>(e.backlog),
        .kv_tokens = e.kv,
        .prefill_rate = e.rate,
        .cached = cached,
        .predicted_ttft =
            as_duration(e.rate > 0 ? (e.backlog + cost_of(work) - cached) / e.rate : 0),
    };
}

double engine_table::backlog() const noexcept {
    const auto add = [](double sum, const engine& e) { return sum + e.backlog; };
    return std::accumulate(engines_.begin(), engines_.end(), 0.0, add);
}

}  // namespace penstock::admission
