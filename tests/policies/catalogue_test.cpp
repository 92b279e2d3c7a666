// The catalogue, and the limiting policy that never refuses.
#include "policies/catalogue.hpp"

#include <gtest/gtest.h>

namespace penstock::policies {
namespace {

TEST(catalogue, makes_every_policy_that_it_lists_and_no_other) {
    for (const auto& row : admission_policies)
        EXPECT_NE(make_admission(row.name, domain_spec{}, {}), nullptr) << row.name;
    for (const auto& row : limiting_policies)
        EXPECT_NE(make_limiting(row.name), nullptr) << row.name;
    EXPECT_EQ(make_admission("nothing", domain_spec{}, {}), nullptr);
    EXPECT_EQ(make_limiting("nothing"), nullptr);
}

TEST(catalogue, hands_out_indices_that_a_second_call_repeats) {
    const domain_spec spec{
        .id = "chat",
        .pools = {{.id = "a", .replicas = {{.id = "a/1"}, {.id = "a/2"}}}, {.id = "b"}},
    };
    const auto policy = make_admission("fixed_slots", spec, {});
    const auto first = policy->settings_changed(spec, {});
    const auto second = policy->settings_changed(spec, {});
    EXPECT_EQ(first.pools, second.pools);
    EXPECT_EQ(first.replicas, second.replicas);
    EXPECT_EQ(first.replicas[0], (std::vector{replica_index{0}, replica_index{1}}));
}

TEST(unlimited, reserves_everything_and_counts_both_ways) {
    limiting::unlimited policy;
    scope_list scopes;
    scopes.push({scope_kind::key, 7});
    const auto answer = policy.reserve(scopes, {.tokens = 1'000'000'000, .slots = 2}, {});
    ASSERT_TRUE(std::holds_alternative<reserved>(answer));
    EXPECT_EQ(policy.num_reserved(), 1u);
    EXPECT_EQ(policy.num_settled(), 0u);
    EXPECT_EQ(policy.slots_held(), 2);
    policy.settle(std::get<reserved>(answer), {}, {});
    EXPECT_EQ(policy.num_settled(), 1u);
    EXPECT_EQ(policy.slots_held(), 0);
}

}  // namespace
}  // namespace penstock::policies
