// Admission by fixed slots: settings that change while requests wait and run.
#include "policies/admission_driver.hpp"

#include <gtest/gtest.h>

namespace penstock::admission {
namespace {

constexpr int waits = -1;
const work any = work_for({0});

TEST(fixed_slots_reload, takes_new_slots_for_new_grants_and_leaves_running_requests) {
    driver d{spec_of({{3}})};
    const ticket a = d.start(any), b = d.start(any), c = d.start(any);
    d.policy.settings_changed(spec_of({{1}}), d.now);
    const ticket t = d.arrive(any);
    d.end(a);
    EXPECT_TRUE(d.is_waiting(t));
    d.end(b);
    EXPECT_TRUE(d.is_waiting(t));
    d.end(c);
    EXPECT_EQ(d.replica_of(t), 0);
    d.policy.settings_changed(spec_of({{2}}), d.now);
    EXPECT_EQ(d.replica_of(d.arrive(any)), 0);
    EXPECT_EQ(d.replica_of(d.arrive(any)), waits);
}

TEST(fixed_slots_reload, drains_a_replica_that_is_gone_and_keeps_its_number_for_its_id) {
    driver d{spec_of({{2}})};
    const ticket old = d.start(any);
    domain_spec other = spec_of({{2}});
    other.pools[0].replicas[0].id = "p0/new";
    EXPECT_EQ(d.policy.settings_changed(other, d.now).replicas[0][0], replica_index{1});
    EXPECT_EQ(d.view(0).state, replica_state::draining);
    EXPECT_EQ(d.replica_of(d.arrive(any)), 1);
    EXPECT_EQ(d.replica_of(d.arrive(any)), 1);
    const ticket t = d.arrive(any);
    EXPECT_TRUE(d.is_waiting(t));
    const auto back = d.policy.settings_changed(spec_of({{2}}), d.now);
    EXPECT_EQ(back.replicas[0][0], replica_index{0});
    EXPECT_EQ(d.view(0).in_flight, 1u);
    EXPECT_EQ(d.replica_of(t), 0);
    EXPECT_EQ(d.view(0).in_flight, 2u);
    EXPECT_EQ(d.view(1).in_flight, 2u);
    d.end(old);
    EXPECT_EQ(d.view(0).in_flight, 1u);
}

TEST(fixed_slots_reload, refuses_those_who_wait_for_a_pool_that_is_gone) {
    driver d{spec_of({{1}, {1}})};
    const ticket running = d.start(work_for({1}));
    const ticket t = d.arrive(work_for({1}));
    d.advance();
    d.policy.settings_changed(spec_of({{1}}), d.now);
    EXPECT_EQ(d.refusal_of(t).reason, errc::no_replica);
    d.end(running);
    EXPECT_EQ(d.policy.in_flight(), 0u);
    EXPECT_EQ(d.policy.replicas(d.now).size(), 1u);
}

}  // namespace
}  // namespace penstock::admission
