// Admission by Little's law: what a replica is sent.
#include "policies/little_driver.hpp"

#include <set>

namespace penstock::admission {
namespace {

TEST(little, sends_a_replica_no_more_prompts_than_it_reads_soon) {
    little_driver d(spec_of({{64}}));
    std::vector<ticket> sent;
    for (int i = 0; i < 10; ++i)
        if (const ticket t = d.start(stream(1000, 1h)); t != ticket{}) sent.push_back(t);
    EXPECT_EQ(sent.size(), 3u) << "three of 1 000 tokens are more than two chunks of 1 024";
    d.policy.on(sent[0], event::first_byte{}, d.now += 100ms);
    EXPECT_EQ(d.policy.in_flight(), 3u);
    EXPECT_EQ(d.advance().size(), 1u) << "2 000 tokens are unread, fewer than two chunks";
    EXPECT_EQ(d.advance().size(), 0u) << "… and 3 768 more than a quarter of a second at 12 560";
}

TEST(little, takes_a_later_pool_only_while_that_is_idle_enough) {
    little_driver d(spec_of({{1}, {4}}));
    work both = stream(10, 1h);
    both.pools.push({1});
    EXPECT_EQ(d.replica_of(d.arrive(both)), 0);
    EXPECT_EQ(d.replica_of(d.arrive(both)), 1);
    EXPECT_EQ(d.replica_of(d.arrive(both)), 1);
    EXPECT_TRUE(d.is_waiting(d.arrive(both))) << "half of the larger pool is in use";
    work larger = stream(10, 1h);
    larger.pools = work_for({1}).pools;
    EXPECT_EQ(d.replica_of(d.arrive(larger)), 1) << "its own requests may use all of it";
}

TEST(little, sends_all_to_a_later_pool_when_the_first_is_down) {
    little_driver d(spec_of({{1}, {4}}));
    d.say(0, replica_state::dead);
    work both = stream(10, 1h);
    both.pools.push({1});
    for (int i = 0; i < 4; ++i)
        EXPECT_EQ(d.replica_of(d.arrive(both)), 1);
}

TEST(
    little, gives_a_replica_that_joins_its_slots_one_after_another_and_those_of_the_start_at_once
) {
    domain_spec spec = spec_of({{4}});
    spec.slow_start = 10s;
    little_driver d(spec);
    EXPECT_EQ(d.view(0).slots, 4u);
    domain_spec more = spec_of({{4, 4}});
    more.slow_start = 10s;
    d.policy.settings_changed(more, d.now);
    EXPECT_EQ(d.view(0).slots, 4u);
    EXPECT_EQ(d.view(1).slots, 1u);
    d.now += 10s;
    EXPECT_EQ(d.view(1).slots, 4u);
}

TEST(little, keeps_who_waits_for_a_cordoned_replica_until_it_is_back) {
    little_driver d(spec_of({{1}}));
    const ticket running = d.start(stream(10, 1h));
    const ticket queued = d.arrive(stream(10, 1h));
    EXPECT_TRUE(d.is_waiting(queued));
    d.say(0, replica_state::cordoned);
    const ticket later = d.arrive(stream(10, 1h));
    d.end(running);
    EXPECT_TRUE(d.is_waiting(queued));
    EXPECT_TRUE(d.is_waiting(later));
    d.say(0, replica_state::ready);
    EXPECT_EQ(d.replica_of(queued), 0);
    d.say(0, replica_state::draining);
    EXPECT_EQ(d.refusal_of(later).reason, errc::no_replica);
}

TEST(little, sends_who_would_wait_for_a_cordoned_pool_to_a_larger_one) {
    little_driver d(spec_of({{1}, {4}}));
    d.say(0, replica_state::cordoned);
    work both = stream(10, 1h);
    both.pools.push({1});
    for (int i = 0; i < 4; ++i)
        EXPECT_EQ(d.replica_of(d.arrive(both)), 1);
    const ticket waits = d.arrive(both);
    EXPECT_TRUE(d.is_waiting(waits));
    d.say(0, replica_state::ready);
    EXPECT_EQ(d.replica_of(waits), 0);
}

TEST(little, has_who_waits_for_a_pool_that_is_down_take_turns_with_those_of_the_larger_one) {
    little_driver d(spec_of({{1}, {1}}));
    d.say(0, replica_state::dead);
    work guest = stream(10, 1h);
    guest.pools.push({1});
    work own = stream(10, 1h);
    own.pools = work_for({1}).pools;
    ticket running = d.start(own);
    std::vector<ticket> guests, owns;
    for (int i = 0; i < 3; ++i) {
        guests.push_back(d.arrive(guest));
        owns.push_back(d.arrive(own));
    }
    EXPECT_TRUE(d.is_waiting(owns[0]));
    for (int i = 0; i < 3; ++i) {
        d.end(running);
        EXPECT_EQ(d.replica_of(guests[std::size_t(i)]), 1) << i;
        d.end(guests[std::size_t(i)]);
        EXPECT_EQ(d.replica_of(owns[std::size_t(i)]), 1) << i;
        running = owns[std::size_t(i)];
    }
}

TEST(little, waits_for_nothing_that_is_not_up_where_another_model_would_take_over) {
    little_driver d(spec_of({{1}}));
    d.say(0, replica_state::cordoned);
    work w = stream(10, 1h);
    w.elsewhere = true;
    EXPECT_EQ(d.refusal_of(d.arrive(w)).reason, errc::no_replica);
}

TEST(little, goes_to_another_model_though_one_is_up_that_does_not_offer_what_it_needs) {
    domain_spec spec = spec_of({{1, 1}});
    spec.pools[0].replicas[0].offers = 1;
    spec.pools[0].replicas[1].offers = 2;
    little_driver d(spec);
    d.say(0, replica_state::cordoned);
    work w = stream(10, 1h);
    w.needs = 1;
    EXPECT_TRUE(d.is_waiting(d.arrive(w)));
    w.elsewhere = true;
    EXPECT_EQ(d.refusal_of(d.arrive(w)).reason, errc::no_replica);
}

TEST(little, always_tries_one_whatever_an_engine_says_that_it_does_for_others) {
    little_driver d(spec_of({{4}}));
    for (int i = 0; i < 5; ++i) {
        d.now += 1s;
        d.policy.on(replica_index{0}, fact::scraped{.running = 4}, d.now);
    }
    const ticket only = d.start(stream(10, 1h));
    EXPECT_NE(only, ticket{});
    EXPECT_TRUE(d.is_waiting(d.arrive(stream(10, 1h))));
}

TEST(little, takes_none_of_ours_that_has_ended_since_for_one_of_others) {
    little_driver d(spec_of({{4}}));
    std::vector<ticket> ours;
    for (int i = 0; i < 4; ++i)
        ours.push_back(d.start(stream(10, 1h)));
    for (int i = 0; i < 3; ++i)
        d.end(ours[std::size_t(i)]);
    d.policy.on(replica_index{0}, fact::scraped{.running = 4}, d.now += 1s);
    for (int i = 0; i < 3; ++i)
        EXPECT_NE(d.start(stream(10, 1h)), ticket{}) << "its four were ours when it counted them";
}

// One replica serves what is asked for, the other, which is idle, does not.
TEST(little, serves_tenants_in_turn_though_a_replica_is_idle_that_suits_none_of_them) {
    domain_spec spec = spec_of({{1, 1}});
    spec.pools[0].replicas[0].offers = 1;
    spec.pools[0].replicas[1].offers = 2;
    little_driver d(spec);
    work w = stream(10, 1h);
    w.needs = 1;
    ticket running = d.start(of_tenant(w, 1));
    std::vector<ticket> loud, quiet;
    for (int i = 0; i < 6; ++i)
        loud.push_back(d.arrive(of_tenant(w, 1)));
    d.advance();
    for (int i = 0; i < 2; ++i)
        quiet.push_back(d.arrive(of_tenant(w, 2)));
    d.advance();
    std::vector<int> order;
    for (int served = 0; served < 8; ++served) {
        d.end(running);
        const auto given = d.advance();
        ASSERT_EQ(given.size(), 1u);
        running = std::get<granted>(given[0]).who;
        order.push_back(std::ranges::find(quiet, running) != quiet.end() ? 2 : 1);
    }
    EXPECT_EQ(std::count(order.begin(), order.begin() + 4, 2), 2) << "the first four of eight";
}

TEST(little, keeps_an_affinity_on_its_replica_while_that_saves_more_than_it_waits) {
    little_driver d(spec_of({{8, 8, 8, 8}}));
    work w = stream(4000, 1h);
    w.affinity = 77;
    w.cached_hint = 3900;
    const int home = d.replica_of(d.arrive(w));
    ASSERT_GE(home, 0);
    EXPECT_EQ(d.replica_of(d.arrive(w)), home) << "busier than the others, but it saves 3 900";
    w.cached_hint = 100;
    EXPECT_NE(d.replica_of(d.arrive(w)), home) << "4 612 tokens of backlog for 100 saved";
}

TEST(little, lets_no_affinity_overload_its_replica) {
    little_driver d(spec_of({{64, 64, 64, 64}}));
    work w = stream(100, 1h);
    w.affinity = 77;
    w.cached_hint = 100;
    std::set<int> used;
    for (int i = 0; i < 16; ++i)
        used.insert(d.replica_of(d.arrive(w)));
    EXPECT_GE(used.size(), 2u);
}

TEST(little, never_promises_more_keys_and_values_than_there_is_room_for) {
    domain_spec spec = spec_of({{64}});
    spec.pools[0].replicas[0].kv_tokens = 1000;
    little_driver d(spec);
    const ticket first = d.start(stream(400, 1h));
    const ticket second = d.start(stream(200, 1h));
    EXPECT_NE(second, ticket{});
    const ticket third = d.arrive(stream(200, 1h));
    EXPECT_TRUE(d.is_waiting(third)) << "500 + 300 + 300 tokens do not go into 900";
    d.end(first);
    EXPECT_EQ(d.replica_of(third), 0);
    d.end(second);
    d.end(third);
    EXPECT_NE(d.start(stream(5000, 1h)), ticket{}) << "alone it may try: the engine knows";
}

TEST(little, never_waits_for_the_first_token_of_an_answer_in_one_piece) {
    little_driver d(spec_of({{64}}));
    teach(d, 1000, 100ms);
    work whole = stream(2344, 1h, d.now);
    whole.streamed = false;
    whole.ttft_deadline = never;
    EXPECT_NE(d.start(whole), ticket{});
    EXPECT_TRUE(d.policy.backlog() > 0);
    const ticket waits = d.arrive(whole);
    EXPECT_TRUE(d.is_waiting(waits));
    d.now = d.policy.next_wakeup();
    EXPECT_EQ(d.replica_of(waits), 0) << "by its rate the first was read in a quarter of a second";
}

TEST(little, leaves_answers_in_one_piece_out_of_the_backlog_until_a_stream_has_taught_a_rate) {
    little_driver d(spec_of({{64}}));
    work whole = stream(10'000, 1h);
    whole.streamed = false;
    for (int i = 0; i < 64; ++i)
        EXPECT_NE(d.start(whole), ticket{});
    EXPECT_EQ(d.policy.backlog(), 0);
}

TEST(little, lowers_the_limit_when_tokens_come_too_slowly_and_raises_it_again) {
    domain_spec spec = spec_of({{10}});
    spec.classes[0].tpot = 50ms;
    little_driver d(spec);
    const auto run = [&](duration per_token) {
        std::vector<ticket> all;
        for (int i = 0; i < 10; ++i)
            if (const ticket t = d.start(no_queue(stream(1, 1h, d.now))); t != ticket{}) {
                d.policy.on(t, event::first_byte{}, d.now);
                all.push_back(t);
            }
        for (int i = 0; i < 4; ++i) {
            d.now += per_token * 5;
            for (const ticket t : all)
                d.policy.on(t, event::progress{5}, d.now);
        }
        for (const ticket t : all)
            d.end(t);
        return d.view(0).slots;
    };
    std::uint32_t limit = 10;
    for (int i = 0; i < 10; ++i)
        limit = run(100ms);
    EXPECT_LE(limit, 6u);
    EXPECT_GE(limit, 1u);
    for (int i = 0; i < 1000; ++i)
        limit = run(10ms);
    EXPECT_EQ(limit, 10u);
}

TEST(little, counts_what_an_engine_does_for_others) {
    little_driver d(spec_of({{4}}));
    d.policy.on(replica_index{0}, fact::scraped{.running = 3, .waiting = 0}, d.now);
    d.policy.on(replica_index{0}, fact::scraped{.running = 3, .waiting = 0}, d.now += 1s);
    EXPECT_NE(d.start(stream(1, 1h)), ticket{});
    const ticket second = d.arrive(stream(1, 1h));
    EXPECT_TRUE(d.is_waiting(second));
    d.now += 3s;  // not a word for three of its intervals: our own counts alone
    EXPECT_EQ(d.replica_of(second), 0);
}

// An engine whose metrics stand still says again and again what it had when they stopped.
TEST(little, believes_no_engine_that_repeats_itself_while_requests_come_and_go) {
    little_driver d(spec_of({{10}}));
    std::vector<ticket> running;
    const auto fill = [&] {
        for (ticket t{}; (t = d.start(no_queue(stream(1, 1h)))) != ticket{};)
            running.push_back(t);
    };
    const auto said = [&](double kv_used) {
        const auto all = static_cast<double>(running.size());
        return fact::scraped{.running = all, .waiting = 0, .kv_used = kv_used};
    };
    fill();
    ASSERT_EQ(running.size(), 10u);
    d.policy.on(replica_index{0}, said(0.4), d.now += 1s);
    const fact::scraped stopped = said(0.5);
    for (int second = 0; second < 60; ++second) {
        d.policy.on(replica_index{0}, stopped, d.now += 1s);
        for (const ticket each : std::exchange(running, {}))
            d.end(each);
        d.policy.on(replica_index{0}, stopped, d.now);
        fill();
        // As of one that has fallen silent: a tenth less.
        ASSERT_GE(running.size(), 9u) << "after " << second << " s";
    }
}

TEST(little, believes_an_engine_that_says_the_same_of_others_while_nothing_of_ours_changes) {
    little_driver d(spec_of({{4}}));
    EXPECT_NE(d.start(stream(1, 1h)), ticket{});
    for (int second = 0; second < 10; ++second)
        d.policy.on(
            replica_index{0}, fact::scraped{.running = 4, .waiting = 0, .kv_used = 0.5}, d.now += 1s
        );
    EXPECT_TRUE(d.is_waiting(d.arrive(stream(1, 1h)))) << "three are of others";
}

}  // namespace
}  // namespace penstock::admission
