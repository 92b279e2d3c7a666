// Admission by Little's law allocates nothing once its slabs have grown, and a million tenants
// leave no memory behind.
#include "policies/admission/little.hpp"
#include "policies/admission_driver.hpp"
#include "policies/allocations.hpp"

#include <gtest/gtest.h>

#include <random>

namespace penstock::admission {
namespace {

// Bursts beyond slots and queues, failures, tried replicas, other tenants each time, time-outs and
// cancels; the same from the same seed. Nothing in it allocates but the policy.
void traffic(little& policy, time_point& now, std::uint64_t seed) {
    std::mt19937_64 random{seed};
    static std::array<ticket, 4096> granted_ones;
    std::size_t num_granted = 0;
    for (int step = 0; step < 3000; ++step) {
        ticket last;
        for (std::uint64_t burst = random() % 6; burst > 0; --burst) {
            work w;
            w.pools.push({static_cast<std::uint32_t>(random() % 2)});
            w.pools.push({1});
            w.klass = static_cast<request_class>(random() % 2);
            w.tenant = {static_cast<std::uint32_t>(random())};
            w.prompt_tokens = static_cast<std::uint32_t>(random() % 2000);
            w.affinity = random() % 8;
            w.streamed = random() % 4 > 0;
            w.deadline = now + std::chrono::milliseconds(random() % 20'000);
            if (random() % 4 == 0) w.tried.push({static_cast<std::uint32_t>(random() % 4)});
            last = policy.arrive(w, now);
        }
        if (random() % 8 == 0) policy.cancel(last, now);
        for (bool more = true; more;) {
            verdict_batch batch;
            more = policy.advance(now, batch);
            for (const verdict& v : batch)
                if (const auto* g = std::get_if<granted>(&v)) granted_ones[num_granted++] = g->who;
        }
        for (std::size_t i = 0; i < num_granted; ++i)
            if (random() % 2 == 0) policy.on(granted_ones[i], event::first_byte{}, now);
        if (random() % 8 == 0)
            policy.on(replica_index{1}, fact::scraped{.running = 2, .waiting = 1}, now);
        while (num_granted > random() % 12) {
            const auto end = random() % 10 == 0 ? ending::upstream_error : ending::served;
            policy.on(granted_ones[--num_granted], event::completed{.end = end}, now);
        }
        now += std::chrono::milliseconds(random() % 400);
    }
    while (num_granted > 0)
        policy.on(granted_ones[--num_granted], event::completed{}, now);
}

domain_spec small_domain() {
    domain_spec spec = spec_of({{2, 3}, {1, 2}});
    for (class_settings& each : spec.classes)
        each.pending = 30;
    spec.pools[0].replicas[0].kv_tokens = 3000;
    return spec;
}

TEST(little, allocates_nothing_once_it_is_warm) {
    const domain_spec spec = small_domain();
    time_point now{1000s};
    little policy(spec, now);
    traffic(policy, now, 5);
    const std::uint64_t before = num_allocations();
    for (std::uint64_t seed = 6; seed < 10; ++seed)
        traffic(policy, now, seed);
    EXPECT_EQ(num_allocations(), before);
    policy.settings_changed(spec, now);
    EXPECT_GT(num_allocations(), before);
}

TEST(little, keeps_nothing_of_a_million_tenants_that_came_once) {
    time_point now{1000s};
    little policy(small_domain(), now);
    std::array<ticket, 64> started;
    std::size_t num_started = 0;
    std::int64_t warm = 0;
    for (std::uint32_t i = 0; i < 1'000'000; ++i) {
        work w;
        w.pools.push({i % 2});
        w.tenant = {i};
        policy.arrive(w, now);
        for (bool more = true; more;) {
            verdict_batch batch;
            more = policy.advance(now, batch);
            for (const verdict& v : batch)
                if (const auto* g = std::get_if<granted>(&v)) started[num_started++] = g->who;
        }
        now += 1ms;
        // The queue fills and empties again and again.
        if (i % 64 >= 32)
            while (num_started > 0)
                policy.on(started[--num_started], event::completed{.end = ending::served}, now);
        if (i == 20'000) warm = allocated_bytes();
    }
    EXPECT_EQ(allocated_bytes(), warm);
}

}  // namespace
}  // namespace penstock::admission
