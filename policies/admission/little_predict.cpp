// What is predicted: of a wait, of a refusal, of a request that has not come.
#include "policies/admission/little.hpp"
#include "policies/admission/units.hpp"

#include <algorithm>

namespace penstock::admission {
// ── the wait ────────────────────────────────────────────────────────────────────────────────────

// W = L / X. Ahead of a ticket are its own tenant's and, while tenants take turns by tokens, as
// much of each other's; never more than all.
double little::queue_wait(const work& work, pool_index pool, double cost, bool queued)
    const noexcept {
    const class_queue& q = queue(pool, work.klass);
    const double rate = q.departures.per_second();
    if (rate <= 0) return 0;
    const std::uint32_t i = flows_.find({pool, work.klass, work.tenant});
    const bool known = i != flow_table::none && flows_[i].waiting > 0;
    const double others = queued ? q.cost - cost : q.cost;
    const double mine = known ? flows_[i].cost : queued ? cost : 0;
    const double turn = queued ? mine : mine + cost;
    const double tenants = static_cast<double>(q.flows.size()) + (known ? 0 : 1);
    return std::max(0.0, std::min(others, turn * tenants - cost)) / rate;
}

double little::typical_wait(const class_queue& q) const noexcept {
    const double rate = q.departures.per_second();
    return rate > 0 ? q.cost / rate : 0;
}

double little::predicted_wait(const work& work, bool queued) const noexcept {
    if (work.pools.empty()) return 0;
    const pool_index pool = work.pools.items[0];
    const double cost = engines_.cost_of(work);
    const double rate = engines_.typical_rate(pool);
    return queue_wait(work, pool, cost, queued) + (rate > 0 ? cost / rate : 0);
}

little::limits_of_wait little::limits_of(const work& work, time_point now) const {
    limits_of_wait limits;
    const auto sooner = [&](time_point when, errc why) {
        if (when >= limits.expires) return;
        limits.expires = when;
        limits.expiry = why;
    };
    sooner(work.deadline, errc::deadline_spent);
    sooner(after(now, classes_[at(work.klass)].timeout), errc::queue_timeout);
    const bool has_target = work.streamed && work.ttft_deadline == never;
    limits.first_token_by =
        has_target ? after(now, classes_[at(work.klass)].ttft) : work.ttft_deadline;
    limits.left = std::min(limits.expires, limits.first_token_by) - now;
    if (limits.first_token_by != never && !work.pools.empty()) {
        const double rate = engines_.typical_rate(work.pools.items[0]);
        const duration reading = as_duration(rate > 0 ? engines_.cost_of(work) / rate : 0);
        sooner(limits.first_token_by - reading, errc::too_late);
    }
    return limits;
}

// Of a ticket that cannot start at once; errc::count_: it waits.
errc little::judge(const work& work, const limits_of_wait& limits, double wait, time_point now)
    const {
    if (work.deadline <= now) return errc::deadline_spent;
    if (work.no_queue) return errc::would_queue;
    if (limits.expires <= now) return limits.expiry;
    const class_settings& own = classes_[at(work.klass)];
    const bool drops_oldest = own.discipline == queue_discipline::drop_oldest && own.pending > 0;
    if (lines_[at(work.klass)].size >= own.pending && !drops_oldest) return errc::queue_full;
    if (how_.optimism * wait > seconds(limits.left)) return errc::wait_too_long;
    return errc::count_;
}

// ── the refusal ─────────────────────────────────────────────────────────────────────────────────

// In [0, 1), the same for the same request: policies have no random device.
double little::share_of(std::uint64_t id) noexcept {
    std::uint64_t x = id + 0x9e37'79b9'7f4a'7c15;  // splitmix64
    x = (x ^ (x >> 30)) * 0xbf58'476d'1ce4'e5b9;
    x = (x ^ (x >> 27)) * 0x94d0'49bb'1331'11eb;
    return static_cast<double>((x ^ (x >> 31)) >> 11) * 0x1p-53;
}

// reference/routers.md 3.4: until it would be admitted, and jitter, so that those who were sent
// away together do not come back together.
duration little::retry_after(double wait, duration budget, std::uint64_t id) const noexcept {
    const double until = std::max(0.0, wait - seconds(budget));
    const double jitter = share_of(id) * how_.retry_jitter * wait;
    return std::clamp(as_duration(until + jitter), retry_after_min_, retry_after_max_);
}

refused little::refusal_of(const work& work, errc reason, double wait, time_point now) const {
    refused r{.reason = reason, .wait = as_duration(wait)};
    if (reason != errc::no_replica) {
        // One that comes again has all of its time again.
        r.retry_after = retry_after(wait, limits_of(work, work.arrived).left, work.id);
        return r;
    }
    const demand wanted{work.pools, work.tried, work.needs};
    const time_point back = replicas_.back_at(wanted, now);
    r.wait = back == never ? duration::zero() : std::max(duration::zero(), back - now);
    r.retry_after = std::clamp(r.wait, retry_after_min_, retry_after_max_);
    return r;
}

// ── shedding ────────────────────────────────────────────────────────────────────────────────────

void little::watch_shedding(time_point now) {
    for (pool_queues& pool : queues_) {
        for (std::size_t c = 0; c < num_classes; ++c) {
            class_queue& q = pool.of[c];
            if (q.waiting == 0 && !q.sheds) continue;
            const double target = seconds(std::min(classes_[c].ttft, classes_[c].timeout));
            const double wait = typical_wait(q);
            if (wait > target) {
                q.sheds = true;
                q.calm_since = never;
            } else if (q.sheds && wait < how_.shed_off * target) {
                if (q.calm_since == never) q.calm_since = now;
                if (now >= after(q.calm_since, how_.shed_dwell)) q.sheds = false;
            } else {
                q.calm_since = never;
            }
        }
    }
}

std::optional<refused> little::sheds(
    request_class klass, tenant_index tenant, const pool_list& pools, time_point now
) const {
    const class_settings& own = classes_[at(klass)];
    const double left = seconds(std::min(own.ttft, own.timeout));
    work w;
    w.klass = klass;
    w.tenant = tenant;
    double shortest = -1;
    for (const pool_index each : replicas_.known(pools)) {
        if (engines_.is_down(each)) {
            // One may be up by now, which is found out when somebody comes.
            if (engines_.next_change() <= now) return std::nullopt;
            continue;
        }
        const class_queue& q = queue(each, klass);
        if (!q.sheds) return std::nullopt;
        const double wait = queue_wait(w, each, q.typical, false);
        if (how_.optimism * wait <= left) return std::nullopt;
        shortest = shortest < 0 ? wait : std::min(shortest, wait);
    }
    if (shortest < 0) {
        w.pools = replicas_.known(pools);
        if (w.pools.empty()) return std::nullopt;
        return refusal_of(w, errc::no_replica, 0, now);
    }
    const auto id = static_cast<std::uint64_t>(now.time_since_epoch().count());
    return refused{
        .reason = errc::wait_too_long,
        .wait = as_duration(shortest),
        .retry_after = retry_after(shortest, as_duration(left), id)
    };
}

// ── the request that has not come ───────────────────────────────────────────────────────────────

prediction little::explain(const work& asked, time_point now) const {
    prediction p;
    work w = asked;
    w.pools = replicas_.known(asked.pools);
    for (const pool_index each : w.pools)
        for (const replica_index who : engines_.members(each))
            p.candidates.push_back(engines_.candidate(w, who, now));
    for (std::size_t i = 0; i < num_classes; ++i)
        p.left[i] = {
            left_of(classes_[i].pending, lines_[i].size),
            left_of(classes_[i].concurrency, running_[i])
        };
    const limits_of_wait limits = limits_of(w, now);
    const double wait = predicted_wait(w, false);
    p.wait = as_duration(wait);
    const auto decline = [&](errc why) {
        const refused r = refusal_of(w, why, wait, now);
        p.reason = why;
        p.retry_after = r.retry_after;
        if (why == errc::no_replica) p.wait = r.wait;
        return p;
    };
    if (w.pools.empty() || !is_possible(w, now)) return decline(errc::no_replica);
    const pool_index pool = w.pools.items[0];
    const auto c = at(w.klass);
    const bool is_bulk = w.klass == request_class::bulk;
    const bool is_due = is_bulk && bulk_is_due(pool);
    const bool may_go =
        running_[c] < classes_[c].concurrency && (!is_bulk || is_due || bulk_may_go(pool));
    const request_class as = is_due ? request_class::realtime : w.klass;
    const engine_table::choice where = may_go ? find(w, as) : engine_table::choice{};
    if (where.replica.valid()) {
        if (w.deadline <= now) return decline(errc::deadline_spent);
        if (limits.first_token_by <= now) return decline(errc::too_late);
        p.would_admit = true;
        p.replica = where.replica;
        p.wait = as_duration(where.ttft);
        return p;
    }
    p.queued = queue(pool, w.klass).waiting;
    const errc why = judge(w, limits, wait, now);
    if (why != errc::count_) return decline(why);
    p.would_queue = true;
    return p;
}

std::vector<replica_view> little::replicas(time_point now) const {
    std::vector<replica_view> all = replicas_.views(now);
    for (replica_view& each : all)
        each.slots = engines_.limit(each.index, now);
    return all;
}

std::vector<queue_view> little::queues(time_point) const {
    std::vector<queue_view> all;
    for (const pool_index pool : replicas_.pools()) {
        for (const auto klass : {request_class::realtime, request_class::bulk}) {
            const class_queue& q = queue(pool, klass);
            all.push_back({
                .pool = pool,
                .klass = klass,
                .waiting = q.waiting,
                .wait = as_duration(typical_wait(q)),
                .sheds = q.sheds,
            });
        }
    }
    return all;
}

}  // namespace penstock::admission
