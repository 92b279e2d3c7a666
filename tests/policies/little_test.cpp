// Admission by Little's law: who starts next.
#include "policies/little_driver.hpp"

#include <map>

namespace penstock::admission {
namespace {

using testing::ElementsAre;

TEST(little, starts_at_once_on_an_idle_replica_whatever_the_size) {
    little_driver d(spec_of({{1}}));
    EXPECT_EQ(d.replica_of(d.arrive(stream(1'000'000, 1h))), 0);
}

TEST(little, lets_the_earliest_deadline_of_a_tenant_start_first) {
    little_driver d(spec_of({{1}}));
    const ticket running = d.start(stream(10, 10s));
    const ticket late = d.arrive(stream(10, 9s));
    const ticket early = d.arrive(stream(10, 5s));
    const ticket middle = d.arrive(stream(10, 7s));
    EXPECT_TRUE(d.is_waiting(late) && d.is_waiting(early) && d.is_waiting(middle));
    d.end(running);
    EXPECT_EQ(d.replica_of(early), 0);
    d.end(early);
    EXPECT_EQ(d.replica_of(middle), 0);
    d.end(middle);
    EXPECT_EQ(d.replica_of(late), 0);
}

TEST(little, lets_the_tenant_that_was_served_least_start_first) {
    little_driver d(spec_of({{1}}));
    const ticket running = d.start(of_tenant(stream(5000, 1h), 1));
    std::vector<ticket> heavy, light;
    for (int i = 0; i < 3; ++i)
        heavy.push_back(d.arrive(of_tenant(stream(5000, 1h), 1)));
    for (int i = 0; i < 3; ++i)
        light.push_back(d.arrive(of_tenant(stream(10, 1h), 2)));
    d.end(running);
    std::vector<int> order;
    for (int served = 0; served < 6; ++served) {
        for (std::size_t i = 0; i < 3; ++i) {
            for (auto* of : {&heavy, &light}) {
                if ((*of)[i] == ticket{} || d.replica_of((*of)[i]) < 0) continue;
                order.push_back(of == &heavy ? 1 : 2);
                d.end(std::exchange((*of)[i], ticket{}));
            }
        }
    }
    EXPECT_THAT(order, ElementsAre(2, 2, 2, 1, 1, 1));
}

TEST(little, gives_a_tenant_that_comes_back_nothing_for_the_time_it_was_away) {
    little_driver d(spec_of({{1}}));
    ticket running = d.start(of_tenant(stream(10, 1h), 1));
    for (int i = 0; i < 50; ++i) {
        const ticket next = d.arrive(of_tenant(stream(1000, 1h), 1));
        d.end(running);
        ASSERT_EQ(d.replica_of(next), 0);
        running = next;
    }
    std::vector<ticket> old, fresh;
    for (int i = 0; i < 4; ++i) {
        old.push_back(d.arrive(of_tenant(stream(1000, 1h), 1)));
        fresh.push_back(d.arrive(of_tenant(stream(1000, 1h), 2)));
    }
    int starts_of_old = 0;
    for (int i = 0; i < 4; ++i) {
        d.end(running);
        for (auto* of : {&old, &fresh})
            for (ticket& t : *of)
                if (t != ticket{} && d.replica_of(t) == 0) {
                    running = std::exchange(t, ticket{});
                    starts_of_old += of == &old;
                }
    }
    EXPECT_GE(starts_of_old, 1) << "the newcomer was paid for fifty requests that it never sent";
}

TEST(little, keeps_a_slot_for_realtime) {
    little_driver d(spec_of({{3}}));
    EXPECT_EQ(d.replica_of(d.arrive(bulk(stream(10, 1h)))), 0);
    EXPECT_EQ(d.replica_of(d.arrive(bulk(stream(10, 1h)))), 0);
    EXPECT_TRUE(d.is_waiting(d.arrive(bulk(stream(10, 1h)))));
    EXPECT_EQ(d.replica_of(d.arrive(stream(10, 1h))), 0);
}

TEST(little, gives_bulk_its_floor_of_the_tokens_while_realtime_waits) {
    domain_spec spec = spec_of({{2}});
    spec.classes[1].floor = 0.1;
    spec.classes[0].timeout = spec.classes[1].timeout = 1h;
    little_driver d(spec);
    std::vector<ticket> running;
    std::map<std::uint32_t, bool> is_bulk;
    int started[2] = {};
    const auto take = [&] {
        for (const verdict& v : d.advance())
            if (const auto* g = std::get_if<granted>(&v)) {
                running.push_back(g->who);
                ++started[is_bulk[g->who.slot]];
            }
    };
    for (int i = 0; i < 400; ++i) {
        for (const bool b : {false, true}) {
            const work w = stream(100, 1h, d.now);
            const ticket t = d.arrive(b ? bulk(w) : w);
            is_bulk[t.slot] = b;
        }
        take();
        d.now += 10ms;
        if (running.empty()) continue;
        d.policy.on(running.front(), event::first_byte{}, d.now);
        d.end(running.front());
        running.erase(running.begin());
        take();
    }
    const double share = 1.0 * started[1] / (started[0] + started[1]);
    EXPECT_NEAR(share, 0.1, 0.02);
}

TEST(little, bounds_each_class_in_flight) {
    domain_spec spec = spec_of({{64}});
    spec.classes[0].concurrency = 2;
    little_driver d(spec);
    const ticket first = d.start(stream(1, 1h));
    EXPECT_NE(d.start(stream(1, 1h)), ticket{});
    const ticket third = d.arrive(stream(1, 1h));
    EXPECT_TRUE(d.is_waiting(third));
    d.end(first);
    EXPECT_EQ(d.replica_of(third), 0);
}

TEST(little, passes_over_a_ticket_that_nothing_free_suits_and_comes_back_to_it) {
    little_driver d(spec_of({{1, 1}}));
    const ticket on_first = d.start(stream(10, 1h));
    const ticket on_second = d.start(stream(10, 1h));
    const std::uint32_t first = static_cast<std::uint32_t>(d.view(0).in_flight == 1 ? 0 : 1);
    const ticket picky = d.arrive(tried(stream(10, 1h), {first}));
    const ticket easy = d.arrive(stream(10, 2h));
    EXPECT_TRUE(d.is_waiting(picky) && d.is_waiting(easy));
    d.end(on_first);
    EXPECT_EQ(d.replica_of(easy), static_cast<int>(first));
    d.end(on_second);
    EXPECT_EQ(d.replica_of(picky), static_cast<int>(1 - first));
}

}  // namespace
}  // namespace penstock::admission
