// The parts that admission is made of: placement, the expiry heap, the departure rate, the lanes.
#include "policies/admission/departure_rate.hpp"
#include "policies/admission/indexed_heap.hpp"
#include "policies/admission/lanes.hpp"
#include "policies/placement/least_loaded.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

namespace penstock::admission {
namespace {

using namespace std::chrono_literals;
using placement::load;

constexpr time_point start{1000s};

std::size_t least_of(std::vector<load> loads, std::size_t first = 0) {
    return placement::least_loaded(loads.size(), first, [&](std::size_t i) { return loads[i]; });
}

TEST(least_loaded, takes_the_lowest_share_not_the_lowest_count) {
    EXPECT_EQ(least_of({{2, 4}, {5, 16}, {3, 4}}), 1u);
}

TEST(least_loaded, leaves_out_those_that_are_full_or_excluded) {
    EXPECT_EQ(least_of({{4, 4}, {0, 0}, {63, 64}}), 2u);
    EXPECT_EQ(least_of({{4, 4}, {5, 4}, {0, 0}}), placement::no_choice);
    EXPECT_EQ(least_of({}), placement::no_choice);
}

TEST(least_loaded, lets_equals_take_turns) {
    const std::vector<load> equal{{1, 8}, {1, 8}, {1, 8}};
    for (std::size_t first = 0; first < 6; ++first)
        EXPECT_EQ(least_of(equal, first), first % 3);
}

TEST(indexed_heap, agrees_with_a_map_over_random_operations) {
    std::mt19937_64 random{7};
    indexed_heap<time_point> heap;
    std::map<std::uint32_t, time_point> in;
    for (int step = 0; step < 20'000; ++step) {
        const auto slot = static_cast<std::uint32_t>(random() % 64);
        if (const auto at = in.find(slot); at == in.end()) {
            const time_point when = start + duration{random() % 100};
            heap.put(slot, when);
            in[slot] = when;
        } else {
            heap.take(slot);
            in.erase(at);
        }
        heap.take(1000);
        time_point earliest = never;
        for (const auto& [_, when] : in)
            earliest = std::min(earliest, when);
        ASSERT_EQ(heap.first_key_or(never), earliest);
        ASSERT_EQ(heap.empty(), in.empty());
        if (in.empty()) continue;
        ASSERT_EQ(in.at(heap.first()), earliest);
    }
}

TEST(departure_rate, is_unknown_until_somebody_who_waited_saw_one_leave) {
    departure_rate r;
    r.departed(start);
    EXPECT_EQ(r.per_second(), 0);
    r.waiting_changed(true, start + 1s);
    EXPECT_EQ(r.per_second(), 0);
    r.departed(start + 2s);
    EXPECT_GT(r.per_second(), 0);
}

TEST(departure_rate, measures_a_steady_queue_exactly) {
    departure_rate r;
    r.waiting_changed(true, start);
    for (int i = 1; i <= 2000; ++i)
        r.departed(start + i * 100ms);
    EXPECT_NEAR(r.per_second(), 10, 0.1);
}

TEST(departure_rate, is_not_lowered_by_idle_time) {
    departure_rate r;
    r.waiting_changed(true, start);
    for (int i = 1; i <= 100; ++i)
        r.departed(start + i * 100ms);
    r.waiting_changed(false, start + 10s);
    for (int i = 1; i <= 60; ++i)
        r.departed(start + i * 60s);
    r.waiting_changed(true, start + 2h);
    EXPECT_NEAR(r.per_second(), 10, 0.5);
}

TEST(departure_rate, follows_a_change) {
    departure_rate r;
    r.waiting_changed(true, start);
    for (int i = 1; i <= 1000; ++i)
        r.departed(start + i * 100ms);
    for (int i = 1; i <= 120; ++i)
        r.departed(start + 100s + i * 1s);
    EXPECT_NEAR(r.per_second(), 1, 0.3);
}

pool_list pools(std::initializer_list<std::uint32_t> indices) {
    pool_list list;
    for (const std::uint32_t i : indices)
        list.push({i});
    return list;
}

TEST(lanes, join_tickets_of_the_same_pools_and_part_the_others) {
    ticket_slab tickets;
    lanes all{tickets};
    tried_list tried;
    tried.push({3});
    const auto put = [&](request_class klass, const pool_list& p, const tried_list& t) {
        const std::uint32_t slot = tickets.add();
        all.append(slot, klass, {p, t});
        return slot;
    };
    const auto rt = request_class::realtime;
    const auto a = put(rt, pools({0}), {}), b = put(rt, pools({0}), {});
    const auto c = put(rt, pools({0, 1}), {}), d = put(rt, pools({0}), tried);
    const auto e = put(request_class::bulk, pools({0}), {});
    const std::uint32_t f = tickets.add();
    all.append(f, rt, {pools({0}), {}, 4});
    EXPECT_EQ(all.active(rt).size(), 4u);
    EXPECT_EQ(all.active(request_class::bulk).size(), 1u);
    EXPECT_EQ(tickets[a].lane, tickets[b].lane);
    EXPECT_EQ(all.ahead(rt, pools({0})), 5u);
    EXPECT_EQ(all.ahead(rt, pools({1})), 1u);
    EXPECT_EQ(all.ahead(request_class::bulk, pools({0})), 6u);
    for (const auto slot : {b, c, a, f, e, d})
        all.remove(slot);
    EXPECT_EQ(all.size(), 0u);
    EXPECT_TRUE(all.active(rt).empty() && all.active(request_class::bulk).empty());
}

TEST(ticket_slab, gives_a_slot_again_under_another_generation) {
    ticket_slab tickets;
    const ticket first = tickets.name_of(tickets.add());
    tickets[first.slot].now = ticket_phase::waiting;
    EXPECT_NE(tickets.find(first), nullptr);
    tickets.remove(first.slot);
    EXPECT_EQ(tickets.find(first), nullptr);
    const ticket second = tickets.name_of(tickets.add());
    EXPECT_EQ(second.slot, first.slot);
    EXPECT_NE(second.generation, first.generation);
    EXPECT_EQ(tickets.find(first), nullptr);
    EXPECT_EQ(tickets.find({77, 0}), nullptr);
}

}  // namespace
}  // namespace penstock::admission
