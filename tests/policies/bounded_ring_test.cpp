// Consistent hashing with bounded loads: who goes where, and who moves.
#include "policies/placement/bounded_ring.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace penstock::placement {
namespace {

constexpr std::uint64_t num_affinities = 20'000;

bounded_ring ring_of(const std::vector<std::string>& ids, std::uint32_t without = ~0u) {
    std::vector<bounded_ring::member> members;
    for (std::uint32_t i = 0; i < ids.size(); ++i)
        if (i != without) members.push_back({ids[i], {i}});
    bounded_ring ring;
    ring.build(members);
    return ring;
}

std::vector<std::string> ids(std::uint32_t many) {
    std::vector<std::string> all;
    for (std::uint32_t i = 0; i < many; ++i)
        all.push_back("chat/v1/short/10.0.0." + std::to_string(i) + ":8000");
    return all;
}

replica_index anyone(const bounded_ring& ring, std::uint64_t affinity) {
    return ring.find(affinity, [](replica_index) { return true; });
}

TEST(bounded_ring, gives_each_about_the_same_share) {
    const bounded_ring ring = ring_of(ids(10));
    std::map<std::uint32_t, double> share;
    for (std::uint64_t a = 1; a <= num_affinities; ++a)
        share[anyone(ring, a).value] += 1.0 / num_affinities;
    ASSERT_EQ(share.size(), 10u);
    for (const auto& [who, its] : share)
        EXPECT_NEAR(its, 0.1, 0.05) << who;
}

TEST(bounded_ring, moves_only_the_share_of_one_that_goes) {
    const bounded_ring before = ring_of(ids(10)), after = ring_of(ids(10), 3);
    for (std::uint64_t a = 1; a <= num_affinities; ++a) {
        const replica_index was = anyone(before, a);
        if (was.value == 3)
            ASSERT_NE(anyone(after, a).value, 3u);
        else
            ASSERT_EQ(anyone(after, a), was);
    }
}

TEST(bounded_ring, depends_on_names_and_not_on_order) {
    std::vector<std::string> names = ids(6);
    const bounded_ring forth = ring_of(names);
    const bounded_ring back = ring_of({names.rbegin(), names.rend()});
    for (std::uint64_t a = 1; a <= 1000; ++a)
        ASSERT_EQ(anyone(forth, a).value, 5 - anyone(back, a).value);
}

TEST(bounded_ring, goes_on_to_the_next_that_accepts) {
    const bounded_ring all = ring_of(ids(10));
    for (std::uint64_t a = 1; a <= 1000; ++a) {
        const replica_index home = anyone(all, a);
        const bounded_ring others = ring_of(ids(10), home.value);
        const replica_index next = all.find(a, [&](replica_index who) { return who != home; });
        ASSERT_EQ(next, anyone(others, a)) << "where it would be if the first were gone";
    }
}

TEST(bounded_ring, gives_up_when_the_first_few_do_not_accept) {
    const bounded_ring ring = ring_of(ids(100));
    int asked = 0;
    const auto nobody = [&](replica_index) {
        ++asked;
        return false;
    };
    EXPECT_FALSE(ring.find(7, nobody).valid());
    EXPECT_LE(asked, 8);
    EXPECT_FALSE(ring_of({}).find(7, nobody).valid());
}

}  // namespace
}  // namespace penstock::placement
