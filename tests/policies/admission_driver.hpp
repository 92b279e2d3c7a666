// Drives an admission policy by hand in virtual time: settings and work in one line, verdicts by
// name.
#pragma once

#include "policies/admission/fixed_slots.hpp"

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

namespace penstock::admission {

using namespace std::chrono_literals;

// One pool for each list, one replica for each number of slots in it: "p0/r0", "p0/r1", "p1/r0" …
// Indices follow in that order. No slow start, so that slots are slots.
inline domain_spec spec_of(std::vector<std::vector<std::uint32_t>> slots) {
    domain_spec spec{.id = "chat", .slow_start = 0s};
    for (std::size_t p = 0; p < slots.size(); ++p) {
        pool_spec& pool = spec.pools.emplace_back();
        pool.id = "p" + std::to_string(p);
        for (std::size_t r = 0; r < slots[p].size(); ++r)
            pool.replicas.push_back({.id = pool.id + "/r" + std::to_string(r), .slots = slots[p][r]}
            );
    }
    return spec;
}

inline work work_for(std::initializer_list<std::uint32_t> pools) {
    work w;
    for (const std::uint32_t p : pools)
        w.pools.push({p});
    return w;
}

inline work bulk(work w) {
    w.klass = request_class::bulk;
    return w;
}

inline work tried(work w, std::initializer_list<std::uint32_t> replicas) {
    for (const std::uint32_t r : replicas)
        w.tried.push({r});
    return w;
}

template <class Policy>
struct driver_of {
    template <class... More>
    explicit driver_of(const domain_spec& spec, const More&... more) : policy(spec, now, more...) {}

    time_point now{1000s};
    Policy policy;

    std::vector<verdict> advance() {
        std::vector<verdict> all;
        for (bool more = true; more;) {
            verdict_batch batch;
            more = policy.advance(now, batch);
            all.insert(all.end(), batch.begin(), batch.end());
        }
        return all;
    }
    // The next of the verdicts that were given so far, of whichever ticket.
    std::optional<verdict> verdict_of(ticket who) {
        for (const verdict& v : advance())
            given.push_back(v);
        for (std::size_t i = 0; i < given.size(); ++i) {
            const bool its = std::visit([&](const auto& v) { return v.who == who; }, given[i]);
            if (!its) continue;
            const verdict found = given[i];
            given.erase(given.begin() + static_cast<std::ptrdiff_t>(i));
            return found;
        }
        return std::nullopt;
    }
    bool is_waiting(ticket who) { return !verdict_of(who).has_value(); }
    // Index of the replica; −1: waits, −2: refused.
    int replica_of(ticket who) {
        const auto v = verdict_of(who);
        if (!v) return -1;
        const auto* g = std::get_if<granted>(&*v);
        return g ? static_cast<int>(g->replica.value) : -2;
    }
    // What it was refused with; a default verdict with errc::count_ when it was not.
    refused refusal_of(ticket who) {
        const auto v = verdict_of(who);
        const auto* r = v ? std::get_if<refused>(&*v) : nullptr;
        return r ? *r : refused{.reason = errc::count_};
    }

    ticket arrive(const work& w) { return policy.arrive(w, now); }
    ticket start(const work& w) {
        const ticket t = arrive(w);
        return replica_of(t) >= 0 ? t : ticket{};
    }
    void end(ticket who, ending how = ending::served) {
        policy.on(who, event::completed{.end = how}, now);
    }
    // One request from grant to end; false when it was not granted.
    bool run(const work& w, ending how) {
        const ticket t = start(w);
        if (t == ticket{}) return false;
        end(t, how);
        return true;
    }
    void say(std::uint32_t replica, replica_state s) {
        policy.on(replica_index{replica}, fact::state{s}, now);
    }
    void probe(std::uint32_t replica, bool healthy) {
        policy.on(replica_index{replica}, fact::probed{healthy}, now);
    }
    replica_view view(std::uint32_t replica) const {
        for (const replica_view& v : policy.replicas(now))
            if (v.index.value == replica) return v;
        return {};
    }

    std::vector<verdict> given;
};
using driver = driver_of<fixed_slots>;

}  // namespace penstock::admission
