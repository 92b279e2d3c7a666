// Flows by key, and which of the idle ones are forgotten.
#include "policies/admission/flow_table.hpp"

#include <gtest/gtest.h>

#include <list>
#include <map>
#include <random>

namespace penstock::admission {
namespace {

flow_key key_of(std::uint32_t i) {
    return {{i % 3}, static_cast<request_class>(i / 3 % 2), {i / 6}};
}

TEST(flow_table, agrees_with_a_map_over_random_operations) {
    constexpr std::size_t idle_most = 20;
    std::mt19937_64 random{3};
    flow_table flows;
    flows.reserve(4, idle_most);
    std::map<std::uint32_t, double> served;  // by number of the key
    std::map<std::uint32_t, bool> waits;
    std::list<std::uint32_t> idle;  // the oldest first
    const auto forget = [&](std::size_t most) {
        for (; idle.size() > most; idle.pop_front())
            served.erase(idle.front()), waits.erase(idle.front());
    };
    for (int step = 0; step < 100'000; ++step) {
        const auto k = static_cast<std::uint32_t>(random() % 120);
        if (const auto its = waits.find(k); its == waits.end() || !its->second) {
            if (its == waits.end()) forget(idle_most - 1);
            const std::uint32_t i = flows.find_or_add(key_of(k));
            ASSERT_EQ(flows[i].served, served[k]) << "of another, or forgotten";
            if (its != waits.end()) idle.remove(k);
            flows.begins_to_wait(i);
            waits[k] = true;
            flows[i].served = served[k] = static_cast<double>(step);
        } else {
            flows.becomes_idle(flows.find(key_of(k)));
            waits[k] = false;
            idle.push_back(k);
            forget(idle_most);
        }
        const auto any = static_cast<std::uint32_t>(random() % 120);
        const std::uint32_t found = flows.find(key_of(any));
        ASSERT_EQ(found != flow_table::none, served.count(any) == 1);
        if (found != flow_table::none) {
            ASSERT_EQ(flows[found].key, key_of(any));
        }
        ASSERT_EQ(flows.size(), served.size());
    }
}

TEST(flow_table, keeps_no_more_idle_flows_though_many_waited_at_once) {
    flow_table flows;
    flows.reserve(10, 5);
    for (std::uint32_t i = 0; i < 1000; ++i)
        flows.begins_to_wait(flows.find_or_add(key_of(i)));
    EXPECT_EQ(flows.size(), 1000u);
    for (std::uint32_t i = 0; i < 1000; ++i)
        flows.becomes_idle(flows.find(key_of(i)));
    EXPECT_EQ(flows.size(), 5u);
    for (std::uint32_t i = 0; i < 995; ++i)
        EXPECT_EQ(flows.find(key_of(i)), flow_table::none);
    for (std::uint32_t i = 995; i < 1000; ++i)
        EXPECT_NE(flows.find(key_of(i)), flow_table::none);
}

TEST(flow_table, remembers_none_that_are_idle_when_it_may_not) {
    flow_table flows;
    flows.reserve(1, 0);
    const std::uint32_t i = flows.find_or_add(key_of(7));
    flows.begins_to_wait(i);
    flows.becomes_idle(i);
    EXPECT_EQ(flows.find(key_of(7)), flow_table::none);
    EXPECT_EQ(flows.size(), 0u);
}

}  // namespace
}  // namespace penstock::admission
