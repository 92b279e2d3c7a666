// Admission by fixed slots allocates nothing once its slabs have grown: it runs under a mutex.
#include "policies/admission_driver.hpp"
#include "policies/allocations.hpp"

#include <gtest/gtest.h>

#include <random>

namespace penstock::admission {
namespace {

// Bursts beyond the slots and the queue, failures, tried replicas, time-outs and cancels; the same
// from the same seed. Nothing in it allocates but the policy.
void traffic(fixed_slots& policy, time_point& now, std::uint64_t seed) {
    std::mt19937_64 random{seed};
    static std::array<ticket, 4096> granted_ones;
    std::size_t num_granted = 0;
    for (int step = 0; step < 3000; ++step) {
        ticket last;
        for (std::uint64_t burst = random() % 6; burst > 0; --burst) {
            work w;
            w.pools.push({static_cast<std::uint32_t>(random() % 2)});
            w.klass = static_cast<request_class>(random() % 2);
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
        while (num_granted > random() % 12) {
            const auto end = random() % 10 == 0 ? ending::upstream_error : ending::served;
            policy.on(granted_ones[--num_granted], event::completed{.end = end}, now);
        }
        now += std::chrono::milliseconds(random() % 400);
    }
    while (num_granted > 0)
        policy.on(granted_ones[--num_granted], event::completed{}, now);
}

TEST(fixed_slots, allocates_nothing_once_it_is_warm) {
    domain_spec spec = spec_of({{2, 3}, {1, 2}});
    spec.classes[0].pending = spec.classes[1].pending = 30;
    time_point now{1000s};
    fixed_slots policy(spec, now);
    traffic(policy, now, 5);
    const std::uint64_t before = num_allocations();
    for (std::uint64_t seed = 6; seed < 10; ++seed)
        traffic(policy, now, seed);
    EXPECT_EQ(num_allocations(), before);
    policy.settings_changed(spec, now);
    EXPECT_GT(num_allocations(), before);
}

}  // namespace
}  // namespace penstock::admission
