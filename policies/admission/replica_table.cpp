// The replicas of one domain as admission sees them.
#include "policies/admission/replica_table.hpp"

#include "policies/health/slow_start.hpp"
#include "policies/placement/least_loaded.hpp"

#include <algorithm>

namespace penstock::admission {

judgement judgement_of(ending how) noexcept {
    switch (how) {
        case ending::served:
            return judgement::success;
        case ending::upstream_error:
            return judgement::failure;
        case ending::client_gone:
        case ending::refused:
        case ending::expired:
            return judgement::neutral;
    }
    return judgement::failure;
}

// ── what there is ───────────────────────────────────────────────────────────────────────────────

pool_index replica_table::add_pool(const pool_spec& spec) {
    const auto next = pool_index{static_cast<std::uint32_t>(pools_.size())};
    const auto [at, added] = pool_of_.emplace(spec.id, next);
    if (added) pools_.push_back({.id = spec.id});
    return at->second;
}

replica_index replica_table::add_replica(
    const replica_spec& spec, pool_index pool, time_point now
) {
    const auto next = replica_index{static_cast<std::uint32_t>(replicas_.size())};
    const auto [at, added] = replica_of_.emplace(spec.id, next);
    if (added) replicas_.push_back({.id = spec.id});
    replica& r = replicas_[at->second.value];
    // One that was away was not probed meanwhile: what was known of its life is stale.
    if (!r.listed) r.life.begin(spec.needs_warmup, serves_, now);
    r.listed = true;
    r.pool = pool;
    r.slots = spec.slots;
    r.offers = spec.offers;
    r.place = pools_[pool.value].members.size();
    pools_[pool.value].members.push_back(at->second);
    return at->second;
}

admission_policy::indices replica_table::apply(const domain_spec& spec, time_point now) {
    breaker_ = spec.breaker;
    outlier_ = spec.outlier;
    slow_start_ = spec.slow_start;
    spill_below_ = spec.spill_below;
    std::vector<bool> was_listed(replicas_.size());
    for (std::size_t i = 0; i < replicas_.size(); ++i)
        was_listed[i] = replicas_[i].listed;
    for (pool& p : pools_)
        p.members.clear();

    admission_policy::indices indices;
    std::vector<bool> is_listed(replicas_.size());
    for (const pool_spec& each : spec.pools) {
        const pool_index pool = add_pool(each);
        indices.pools.push_back(pool);
        auto& list = indices.replicas.emplace_back();
        for (const replica_spec& one : each.replicas) {
            const replica_index who = add_replica(one, pool, now);
            list.push_back(who);
            is_listed.resize(replicas_.size());
            is_listed[who.value] = true;
        }
    }
    for (std::size_t i = 0; i < was_listed.size(); ++i)
        if (was_listed[i] && !is_listed[i]) replicas_[i].listed = false;
    serves_ = serves_ || !replicas_.empty();
    return indices;
}

const replica_table::pool* replica_table::find(pool_index i) const noexcept {
    return i.value < pools_.size() ? &pools_[i.value] : nullptr;
}

// ── who can take one more ───────────────────────────────────────────────────────────────────────

std::uint32_t replica_table::limit(const replica& r, time_point now) const noexcept {
    if (!r.life.came_up()) return r.slots;
    return health::slow_start_limit(r.slots, r.life.ready_since(), slow_start_, now);
}

replica_table::standing replica_table::stands(const replica& r, time_point now) const noexcept {
    if (!r.listed || r.slots == 0) return standing::down;
    if (r.life.is_coming()) return standing::coming;
    if (r.life.state() != replica_state::ready) return standing::down;
    if (now < r.ejected_until) return standing::down;
    if (!r.breaker.closed() && !r.breaker.probe_due(now)) return standing::down;
    if (now < r.paused_until || r.in_flight >= limit(r, now)) return standing::busy;
    return standing::free;
}

bool replica_table::may_use(const demand& wanted, replica_index who) const noexcept {
    const std::uint64_t lacking = wanted.needs & ~replicas_[who.value].offers;
    return lacking == 0 && !wanted.tried.contains(who);
}

bool replica_table::has_room_for_others(const pool& p, time_point now) const noexcept {
    std::uint64_t used = 0, slots = 0;
    for (const replica_index who : p.members) {
        const replica& r = replicas_[who.value];
        if (stands(r, now) == standing::down) continue;
        used += r.in_flight;
        slots += limit(r, now);
    }
    return static_cast<double>(used) < spill_below_ * static_cast<double>(slots);
}

replica_table::choice replica_table::choose(const demand& wanted, time_point now) const {
    choice found;
    for (const pool_index each : wanted.pools) {
        const pool* p = find(each);
        if (!p) continue;
        const bool has_room = each == wanted.pools.items[0] || has_room_for_others(*p, now);
        const auto load_of = [&](std::size_t i) -> placement::load {
            const replica_index who = p->members[i];
            const replica& r = replicas_[who.value];
            if (!may_use(wanted, who)) return {};
            const standing s = stands(r, now);
            const bool is_free = s == standing::free && has_room;
            found.busy |= s != standing::down && !is_free;
            if (!is_free) return {};
            return {r.in_flight, limit(r, now)};
        };
        const std::size_t at = placement::least_loaded(p->members.size(), p->next, load_of);
        if (at == placement::no_choice) continue;
        found.replica = p->members[at];
        return found;
    }
    return found;
}

time_point replica_table::back_at(const demand& wanted, time_point now) const {
    time_point earliest = never;
    for (const pool_index each : wanted.pools) {
        const pool* p = find(each);
        if (!p) continue;
        for (const replica_index who : p->members) {
            const replica& r = replicas_[who.value];
            if (!may_use(wanted, who) || r.life.state() != replica_state::ready) continue;
            const time_point probe = r.breaker.closed() ? now : r.breaker.probe_at();
            earliest = std::min(earliest, std::max(probe, r.ejected_until));
        }
    }
    return earliest;
}

void replica_table::measure(pool_index i, time_point now) {
    pool& p = pools_[i.value];
    p.free = p.busy = 0;
    p.busy_offer = ~std::uint64_t{0};
    for (const replica_index who : p.members) {
        const replica& r = replicas_[who.value];
        const standing s = stands(r, now);
        if (s == standing::free) ++p.free;
        if (s != standing::busy && s != standing::coming) continue;
        ++p.busy;
        p.busy_offer &= r.offers;
    }
}

void replica_table::measure(time_point now) {
    for (std::uint32_t i = 0; i < pools_.size(); ++i)
        measure(pool_index{i}, now);
}

bool replica_table::any_free(const pool_list& pools) const noexcept {
    return std::any_of(pools.begin(), pools.end(), [&](pool_index each) {
        const pool* p = find(each);
        return p && p->free > 0;
    });
}

bool replica_table::surely_busy(const demand& wanted) const noexcept {
    std::uint32_t busy = 0;
    for (const pool_index each : wanted.pools) {
        const pool* p = find(each);
        if (p && (wanted.needs & ~p->busy_offer) == 0) busy += p->busy;
    }
    return busy > wanted.tried.size;
}

// ── what happens to them ────────────────────────────────────────────────────────────────────────

bool replica_table::begin(replica_index who, time_point now) {
    replica& r = replicas_[who.value];
    pools_[r.pool.value].next = r.place + 1;
    ++r.in_flight;
    ++in_flight_;
    const bool probe = r.breaker.probe_due(now);
    if (probe) r.breaker.probe_sent();
    return probe;
}

void replica_table::end(replica_index who, judgement how, bool was_probe, time_point now) {
    replica& r = replicas_[who.value];
    --r.in_flight;
    --in_flight_;
    pools_[r.pool.value].departures.departed(now);
    if (how == judgement::neutral)
        r.breaker.ended_neutrally(was_probe);
    else
        judge(r, how == judgement::failure, was_probe, now);
}

void replica_table::judge(replica& r, bool failed, bool was_probe, time_point now) {
    if (failed)
        r.breaker.failed(was_probe, now, breaker_);
    else
        r.breaker.succeeded(was_probe);
    // Stragglers from before the ejection must not cause the next one.
    if (!r.listed || now < r.ejected_until) return;
    r.window.record(failed, now, outlier_.window);
    if (!failed || !r.window.exceeds(outlier_)) return;
    const pool& p = pools_[r.pool.value];
    const auto ejected = std::count_if(p.members.begin(), p.members.end(), [&](replica_index m) {
        return now < replicas_[m.value].ejected_until;
    });
    if (health::may_eject(ejected, p.members.size(), outlier_.max_ejected)) eject(r, now);
}

void replica_table::eject(replica& r, time_point now) {
    r.ejected_until = after(now, outlier_.eject_for);
    r.window.clear();
}

void replica_table::pause(replica_index who, duration asked, time_point now) {
    const bool unsaid = asked <= duration::zero();
    const duration pause = unsaid ? engine_pause_max : std::min(asked, engine_pause_max);
    replicas_[who.value].paused_until = after(now, pause);
}

void replica_table::learn(replica_index who, const replica_fact& what, time_point now) {
    if (who.value >= replicas_.size()) return;
    replica& r = replicas_[who.value];
    bool came_up = false;
    if (const auto* probed = std::get_if<fact::probed>(&what)) {
        came_up = r.life.probed(probed->healthy, now);
    } else if (const auto* said = std::get_if<fact::state>(&what)) {
        if (said->now == replica_state::ejected) eject(r, now);
        came_up = r.life.said(said->now, now);
    }
    if (!came_up) return;
    r.breaker.reset();
    r.window.clear();
    r.ejected_until = r.paused_until = {};
}

time_point replica_table::next_change(replica_index who, time_point now) const noexcept {
    const replica& r = replicas_[who.value];
    if (!r.listed || r.life.state() != replica_state::ready) return never;
    time_point earliest = never;
    const auto consider = [&](time_point t) {
        if (t > now) earliest = std::min(earliest, t);
    };
    consider(r.ejected_until);
    consider(r.paused_until);
    consider(r.breaker.probe_at());
    if (r.life.came_up())
        consider(health::slow_start_growth(r.slots, r.life.ready_since(), slow_start_, now));
    return earliest;
}

time_point replica_table::next_change(time_point now) const {
    time_point earliest = never;
    for (const pool& p : pools_)
        for (const replica_index who : p.members)
            earliest = std::min(earliest, next_change(who, now));
    return earliest;
}

pool_list replica_table::known(const pool_list& pools) const noexcept {
    pool_list known;
    for (const pool_index each : pools)
        if (find(each) && !known.contains(each)) known.push(each);
    return known;
}

void replica_table::waiting_changed(const pool_list& pools, bool more, time_point now) {
    for (const pool_index each : pools) {
        pool& p = pools_[each.value];
        p.waiting += more ? 1 : -1;
        p.departures.waiting_changed(p.waiting > 0, now);
    }
}

double replica_table::rate(const pool_list& pools) const {
    double sum = 0;
    for (const pool_index each : pools)
        if (const pool* p = find(each)) sum += p->departures.per_second();
    return sum;
}

// ── what the outside sees ───────────────────────────────────────────────────────────────────────

void replica_table::explain(const demand& wanted, time_point now, prediction& out) const {
    for (const pool_index each : wanted.pools) {
        const pool* p = find(each);
        if (!p) continue;
        const bool has_room = each == wanted.pools.items[0] || has_room_for_others(*p, now);
        for (const replica_index who : p->members) {
            const replica& r = replicas_[who.value];
            const bool is_free = stands(r, now) == standing::free && has_room;
            const bool eligible = may_use(wanted, who) && is_free;
            out.candidates.push_back({
                .replica = who,
                .eligible = eligible,
                .in_flight = r.in_flight,
                .slots = limit(r, now),
            });
        }
    }
}

std::vector<pool_index> replica_table::pools() const {
    std::vector<pool_index> all;
    for (std::uint32_t i = 0; i < pools_.size(); ++i)
        if (!pools_[i].members.empty()) all.push_back({i});
    return all;
}

replica_state replica_table::state(const replica& r, time_point now) const noexcept {
    if (!r.listed) return replica_state::draining;
    const replica_state s = r.life.state();
    return s == replica_state::ready && now < r.ejected_until ? replica_state::ejected : s;
}

std::vector<replica_view> replica_table::views(time_point now) const {
    std::vector<replica_view> all;
    for (std::uint32_t i = 0; i < replicas_.size(); ++i) {
        const replica& r = replicas_[i];
        if (!r.listed && r.in_flight == 0) continue;
        all.push_back({
            .index = {i},
            .pool = r.pool,
            .id = r.id,
            .state = state(r, now),
            .in_flight = r.in_flight,
            .slots = limit(r, now),
            .breaker_open = !r.breaker.closed(),
            .ready_since = r.life.ready_since(),
        });
    }
    return all;
}

}  // namespace penstock::admission
