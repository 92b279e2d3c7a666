// Which of a pool's replicas would begin first.
#include "policies/admission/engine_table.hpp"
#include "policies/admission/units.hpp"

#include <algorithm>
#include <numeric>

namespace penstock::admission {
namespace {

constexpr std::size_t looked_at = 4;  // at the top of a heap: those that differ in speed alone

}  // namespace

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
    using standing = replica_table::standing;
    const auto& p = pools_[pool.value];
    if (p.usable + (work.elsewhere ? 0 : p.coming) == 0) return false;
    if (p.usable > work.tried.size && (work.needs & ~p.offers) == 0) return true;
    const demand wanted{.tried = work.tried, .needs = work.needs};
    return std::any_of(p.members.begin(), p.members.end(), [&](replica_index who) {
        if (!health_.may_use(wanted, who)) return false;
        const auto stands = health_.stands(who, now);
        return stands != standing::down && !(work.elsewhere && stands == standing::coming);
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
