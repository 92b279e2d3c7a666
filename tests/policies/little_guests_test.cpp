// Admission by Little's law: who waits beside those that may go where it may not.
#include "policies/little_driver.hpp"

namespace penstock::admission {
namespace {

work in_pools(std::initializer_list<std::uint32_t> pools) {
    work w = stream(10, 1h);
    w.pools = work_for(pools).pools;
    return w;
}

work that_needs(work w, std::uint64_t needs) {
    w.needs = needs;
    return w;
}

int started(little_driver& d, const work& w, int times) {
    int sum = 0;
    for (int i = 0; i < times; ++i)
        sum += d.start(w) != ticket{};
    return sum;
}

TEST(little, lets_nobody_who_may_go_elsewhere_wait_behind_one_that_waits_for_a_cordoned_pool) {
    little_driver d(spec_of({{1}, {4}}));
    d.say(0, replica_state::cordoned);
    const ticket only = d.arrive(of_tenant(in_pools({0}), 1));
    EXPECT_TRUE(d.is_waiting(only));
    for (std::uint32_t i = 0; i < 4; ++i)
        EXPECT_EQ(d.replica_of(d.arrive(of_tenant(in_pools({0, 1}), 2 + i))), 1);
    d.say(0, replica_state::ready);
    EXPECT_EQ(d.replica_of(only), 0);
}

TEST(little, gives_guests_what_those_whose_pool_it_is_cannot_use) {
    domain_spec spec = spec_of({{1}, {1, 8}});
    spec.pools[1].replicas[0].offers = 3;
    spec.pools[1].replicas[1].offers = 2;
    little_driver d(spec);
    d.say(0, replica_state::dead);
    const work own = that_needs(in_pools({1}), 1);
    ASSERT_NE(d.start(own), ticket{});
    EXPECT_TRUE(d.is_waiting(d.arrive(own)));
    EXPECT_EQ(started(d, that_needs(in_pools({0, 1}), 2), 4), 4);
}

TEST(little, gives_guests_what_a_class_at_its_limit_leaves) {
    domain_spec spec = spec_of({{1}, {16}});
    spec.classes[1].concurrency = 1;
    little_driver d(spec);
    d.say(0, replica_state::dead);
    ASSERT_NE(d.start(bulk(in_pools({1}))), ticket{});
    EXPECT_TRUE(d.is_waiting(d.arrive(bulk(in_pools({1})))));
    EXPECT_EQ(started(d, in_pools({0, 1}), 4), 4);
}

TEST(little, lets_the_guests_of_two_pools_take_turns) {
    little_driver d(spec_of({{1}, {1}, {1}}));
    d.say(0, replica_state::dead);
    d.say(1, replica_state::dead);
    ticket running = d.start(in_pools({2}));
    std::map<std::uint32_t, int> served;  // by own pool
    std::map<std::uint32_t, std::uint32_t> pool_of;
    for (int i = 0; i < 40; ++i) {
        for (const std::uint32_t own : {0u, 1u})
            pool_of[d.arrive(in_pools({own, 2})).slot] = own;
        pool_of[d.arrive(in_pools({2})).slot] = 2;
        d.end(running);
        for (const verdict& v : d.advance()) {
            const auto* g = std::get_if<granted>(&v);
            if (!g) continue;
            running = g->who;
            ++served[pool_of.at(running.slot)];
        }
    }
    EXPECT_EQ(served[0], 10);
    EXPECT_EQ(served[1], 10);
    EXPECT_EQ(served[2], 20);
}

TEST(little, passes_over_for_room_however_many_wait_for_what_is_not_offered) {
    for (const int others : {0, 8}) {
        domain_spec spec = spec_of({{1, 8}});
        spec.pools[0].replicas[0].offers = 3;
        spec.pools[0].replicas[1].offers = 2;
        spec.pools[0].replicas[1].kv_tokens = 1000;
        little_driver d(spec);
        ASSERT_NE(d.start(that_needs(stream(10, 1h), 1)), ticket{});
        ASSERT_NE(d.start(that_needs(stream(10, 1h), 2)), ticket{});
        for (int i = 0; i < others; ++i)
            EXPECT_TRUE(d.is_waiting(d.arrive(that_needs(stream(10, 1h), 1))));
        const work large = that_needs(stream(850, 1h), 2);
        EXPECT_TRUE(d.is_waiting(d.arrive(of_tenant(large, 5))));
        EXPECT_NE(d.start(of_tenant(that_needs(stream(10, 1h), 2), 6)), ticket{}) << others;
    }
}

}  // namespace
}  // namespace penstock::admission
