// Admission by fixed slots: which replicas are out, and when they are back.
#include "policies/admission_driver.hpp"

#include <gtest/gtest.h>

namespace penstock::admission {
namespace {

constexpr int waits = -1;
const work any = work_for({0});

void fail(driver& d, int times, const work& w = any) {
    for (int i = 0; i < times; ++i)
        ASSERT_TRUE(d.run(w, ending::upstream_error));
}

TEST(fixed_slots_tried, are_excluded_for_good) {
    driver d{spec_of({{1, 1}})};
    EXPECT_EQ(d.replica_of(d.arrive(tried(any, {0}))), 1);
    const ticket t = d.arrive(tried(any, {0}));
    EXPECT_TRUE(d.is_waiting(t));
    EXPECT_EQ(d.replica_of(d.arrive(any)), 0);
}

TEST(fixed_slots_tried, refuse_at_once_when_no_other_is_up) {
    driver d{spec_of({{1, 1}})};
    EXPECT_EQ(d.refusal_of(d.arrive(tried(any, {0, 1}))).reason, errc::no_replica);
    d.say(1, replica_state::dead);
    EXPECT_EQ(d.refusal_of(d.arrive(tried(any, {0}))).reason, errc::no_replica);
}

TEST(fixed_slots_starting, is_worth_waiting_for_by_its_supervisors_word) {
    driver d{spec_of({{1}})};
    d.say(0, replica_state::starting);
    const ticket first = d.arrive(any), second = d.arrive(any);
    EXPECT_TRUE(d.is_waiting(first));
    d.say(0, replica_state::ready);
    EXPECT_EQ(d.replica_of(first), 0);
    EXPECT_TRUE(d.is_waiting(second));
    d.say(0, replica_state::dead);
    EXPECT_EQ(d.refusal_of(second).reason, errc::no_replica);
}

TEST(fixed_slots_starting, holds_up_nothing_that_another_replica_can_start) {
    driver d{spec_of({{1, 1}})};
    d.say(0, replica_state::starting);
    EXPECT_EQ(d.replica_of(d.arrive(any)), 1);
}

TEST(fixed_slots_tried, do_not_hold_up_those_behind_them) {
    driver d{spec_of({{1, 1}})};
    const ticket a = d.arrive(any), b = d.arrive(any);
    const int ra = d.replica_of(a);
    d.advance();
    const ticket choosy = d.arrive(tried(any, {static_cast<std::uint32_t>(ra)}));
    const ticket easy = d.arrive(any);
    d.end(a);
    EXPECT_EQ(d.replica_of(easy), ra);
    d.end(b);
    EXPECT_EQ(d.replica_of(choosy), 1 - ra);
}

TEST(fixed_slots_breaker, opens_after_failures_in_a_row_and_names_the_time) {
    driver d{spec_of({{4}})};
    fail(d, 5);
    d.now += 2s;
    const refused r = d.refusal_of(d.arrive(any));
    EXPECT_EQ(r.reason, errc::no_replica);
    EXPECT_EQ(r.retry_after, 3s);
    EXPECT_TRUE(d.view(0).breaker_open);
    EXPECT_FALSE(d.policy.explain(any, d.now).would_admit);
}

TEST(fixed_slots_breaker, is_not_moved_by_clients_who_leave) {
    driver d{spec_of({{4}})};
    for (const ending end : {ending::client_gone, ending::refused, ending::expired})
        for (int i = 0; i < 50; ++i)
            ASSERT_TRUE(d.run(any, end));
    fail(d, 4);
    ASSERT_TRUE(d.run(any, ending::client_gone));
    EXPECT_FALSE(d.view(0).breaker_open);
    fail(d, 1);
    EXPECT_TRUE(d.view(0).breaker_open);
}

TEST(fixed_slots_breaker, counts_no_failure_for_a_grant_that_was_cancelled) {
    driver d{spec_of({{4}})};
    for (int i = 0; i < 50; ++i) {
        const ticket t = d.start(any);
        ASSERT_EQ(d.policy.cancel(t, d.now).was, cancel_result::state::granted);
        d.end(t, ending::upstream_error);
    }
    EXPECT_FALSE(d.view(0).breaker_open);
}

TEST(fixed_slots_breaker, sends_one_probe_alone_and_closes_with_it) {
    driver d{spec_of({{4}})};
    fail(d, 5);
    d.now += 5s;
    const ticket probe = d.arrive(any);
    const auto v = d.verdict_of(probe);
    ASSERT_TRUE(v && std::holds_alternative<granted>(*v));
    EXPECT_TRUE(std::get<granted>(*v).probe);
    EXPECT_EQ(d.refusal_of(d.arrive(any)).reason, errc::no_replica);
    d.end(probe);
    const auto next = d.verdict_of(d.arrive(any));
    ASSERT_TRUE(next && std::holds_alternative<granted>(*next));
    EXPECT_FALSE(std::get<granted>(*next).probe);
}

TEST(fixed_slots_breaker, stays_open_for_longer_when_the_probe_fails) {
    driver d{spec_of({{4}})};
    fail(d, 5);
    d.now += 5s;
    fail(d, 1);
    d.now += 9s;
    EXPECT_EQ(d.refusal_of(d.arrive(any)).retry_after, 1s);
    d.now += 1s;
    EXPECT_TRUE(d.run(any, ending::served));
}

TEST(fixed_slots_breaker, sends_another_probe_when_a_client_leaves_one) {
    driver d{spec_of({{4}})};
    fail(d, 5);
    d.now += 5s;
    EXPECT_TRUE(d.run(any, ending::client_gone));
    EXPECT_TRUE(d.view(0).breaker_open);
    EXPECT_TRUE(d.run(any, ending::served));
    EXPECT_FALSE(d.view(0).breaker_open);
}

TEST(fixed_slots_breaker, refuses_those_who_wait_when_the_last_replica_opens) {
    driver d{spec_of({{1}})};
    fail(d, 4);
    const ticket last = d.start(any), queued = d.arrive(any);
    EXPECT_TRUE(d.is_waiting(queued));
    d.end(last, ending::upstream_error);
    EXPECT_EQ(d.refusal_of(queued).reason, errc::no_replica);
}

TEST(fixed_slots_breaker, wakes_those_who_wait_beside_it_when_a_probe_is_due) {
    driver d{spec_of({{1, 1}})};
    fail(d, 5, tried(any, {1}));
    const ticket busy = d.start(any);
    const ticket t = d.arrive(any);
    EXPECT_TRUE(d.is_waiting(t));
    EXPECT_EQ(d.policy.next_wakeup(), d.now + 5s);
    d.now += 5s;
    EXPECT_EQ(d.replica_of(t), 0);
    d.end(busy);
}

TEST(fixed_slots_engine_refused, frees_the_slot_and_pauses_the_replica_unharmed) {
    driver d{spec_of({{4, 4}})};
    for (int i = 0; i < 30; ++i) {
        const ticket t = d.start(tried(any, {1}));
        d.policy.on(t, event::engine_refused{.retry_after = 200ms}, d.now);
        const ticket next = d.arrive(tried(any, {1}));
        EXPECT_EQ(d.replica_of(next), waits);
        EXPECT_EQ(d.policy.cancel(next, d.now).was, cancel_result::state::waiting);
        d.now += 200ms;
    }
    EXPECT_EQ(d.view(0).state, replica_state::ready);
    EXPECT_FALSE(d.view(0).breaker_open);
    EXPECT_EQ(d.view(0).in_flight, 0u);
}

TEST(fixed_slots_engine_refused, lets_others_wait_for_the_end_of_the_pause) {
    driver d{spec_of({{4}})};
    const ticket t = d.start(any);
    d.policy.on(t, event::engine_refused{.retry_after = 1min}, d.now);
    const ticket next = d.arrive(any);
    EXPECT_TRUE(d.is_waiting(next));
    EXPECT_EQ(d.policy.next_wakeup(), d.now + engine_pause_max);
    d.now += engine_pause_max;
    EXPECT_EQ(d.replica_of(next), 0);
}

domain_spec four_replicas() {
    domain_spec spec = spec_of({{4, 4, 4, 4}});
    spec.breaker.failures = 1000;
    return spec;
}

TEST(fixed_slots_outlier, ejects_a_replica_that_fails_too_often_and_takes_it_back) {
    driver d{four_replicas()};
    for (int i = 0; i < 20; ++i)
        ASSERT_TRUE(d.run(tried(any, {1, 2, 3}), ending::upstream_error));
    EXPECT_EQ(d.view(0).state, replica_state::ejected);
    EXPECT_EQ(d.refusal_of(d.arrive(tried(any, {1, 2, 3}))).retry_after, 30s);
    d.now += 30s;
    EXPECT_EQ(d.view(0).state, replica_state::ready);
    EXPECT_TRUE(d.run(tried(any, {1, 2, 3}), ending::upstream_error));
    EXPECT_EQ(d.view(0).state, replica_state::ready);
}

TEST(fixed_slots_outlier, ejects_no_more_than_its_share_of_the_pool) {
    driver d{four_replicas()};
    for (int i = 0; i < 400; ++i)
        ASSERT_TRUE(d.run(any, ending::upstream_error));
    int ejected = 0;
    for (const replica_view& v : d.policy.replicas(d.now))
        ejected += v.state == replica_state::ejected;
    EXPECT_EQ(ejected, 2);
}

TEST(fixed_slots_outlier, is_not_moved_by_stragglers_of_an_ejection) {
    domain_spec spec = spec_of({{64, 64}});
    spec.breaker.failures = 1000;
    spec.outlier.eject_for = 1s;
    driver d{spec};
    std::vector<ticket> running;
    for (int i = 0; i < 60; ++i)
        running.push_back(d.start(tried(any, {1})));
    for (const ticket t : running)
        d.end(t, ending::upstream_error);
    EXPECT_EQ(d.view(0).state, replica_state::ejected);
    d.now += 1s;
    ASSERT_TRUE(d.run(tried(any, {1}), ending::upstream_error));
    EXPECT_EQ(d.view(0).state, replica_state::ready);
}

TEST(fixed_slots_life, holds_nothing_for_a_replica_that_must_be_warmed_first) {
    domain_spec spec = spec_of({{4}});
    spec.pools[0].replicas[0].needs_warmup = true;
    driver d{spec};
    EXPECT_EQ(d.refusal_of(d.arrive(any)).reason, errc::no_replica);
    d.probe(0, true);
    EXPECT_EQ(d.replica_of(d.arrive(any)), 0);
}

TEST(fixed_slots_life, grows_the_slots_of_a_replica_that_came_up) {
    domain_spec spec = spec_of({{11}});
    spec.slow_start = 10s;
    spec.pools[0].replicas[0].needs_warmup = true;
    driver d{spec};
    d.probe(0, true);
    EXPECT_EQ(d.replica_of(d.arrive(any)), 0);
    const ticket second = d.arrive(any);
    EXPECT_TRUE(d.is_waiting(second));
    EXPECT_EQ(d.view(0).slots, 1u);
    EXPECT_EQ(d.policy.next_wakeup(), d.now + 1s);
    d.now += 1s;
    EXPECT_EQ(d.replica_of(second), 0);
    d.now += 9s;
    EXPECT_EQ(d.view(0).slots, 11u);
}

TEST(fixed_slots_life, gives_a_known_replica_all_its_slots_from_the_first_moment) {
    domain_spec spec = spec_of({{2}});
    spec.slow_start = 10s;
    driver d{spec};
    EXPECT_EQ(d.replica_of(d.arrive(any)), 0);
    EXPECT_EQ(d.replica_of(d.arrive(any)), 0);
}

TEST(fixed_slots_life, is_dead_after_two_missed_probes_and_back_with_a_clean_record) {
    driver d{spec_of({{4}})};
    fail(d, 5);
    d.probe(0, false);
    d.probe(0, false);
    EXPECT_EQ(d.view(0).state, replica_state::dead);
    EXPECT_EQ(d.refusal_of(d.arrive(any)).retry_after, 1s);
    d.probe(0, true);
    EXPECT_FALSE(d.view(0).breaker_open);
    EXPECT_EQ(d.replica_of(d.arrive(any)), 0);
}

TEST(fixed_slots_life, lets_a_draining_replica_finish_and_gives_it_nothing_new) {
    driver d{spec_of({{4, 4}})};
    const ticket running = d.start(tried(any, {1}));
    d.say(0, replica_state::draining);
    for (int i = 0; i < 4; ++i)
        EXPECT_EQ(d.replica_of(d.arrive(any)), 1);
    EXPECT_EQ(d.refusal_of(d.arrive(tried(any, {1}))).reason, errc::no_replica);
    const ticket t = d.arrive(any);
    d.probe(0, true);
    EXPECT_TRUE(d.is_waiting(t));
    d.end(running);
    EXPECT_TRUE(d.is_waiting(t));
    d.say(0, replica_state::ready);
    EXPECT_EQ(d.replica_of(t), 0);
}

TEST(fixed_slots_life, survives_a_reload_with_everything_that_was_learnt) {
    driver d{spec_of({{4, 4}})};
    fail(d, 5, tried(any, {1}));
    d.probe(1, false);
    d.policy.settings_changed(spec_of({{4, 4}}), d.now);
    EXPECT_TRUE(d.view(0).breaker_open);
    d.probe(1, false);
    EXPECT_EQ(d.view(1).state, replica_state::dead);
}

}  // namespace
}  // namespace penstock::admission
