// Breaker, outlier ejection, slow start and life of one replica.
#include "policies/health/breaker.hpp"
#include "policies/health/life.hpp"
#include "policies/health/outlier.hpp"
#include "policies/health/slow_start.hpp"

#include <gtest/gtest.h>

namespace penstock::health {
namespace {

using namespace std::chrono_literals;

constexpr time_point start{1000s};
const breaker_settings three{.failures = 3, .open_for = 5s, .open_for_max = 15s};

breaker opened() {
    breaker b;
    for (int i = 0; i < 3; ++i)
        b.failed(false, start, three);
    return b;
}

TEST(breaker, opens_after_consecutive_failures_only) {
    breaker b;
    b.failed(false, start, three);
    b.failed(false, start, three);
    b.succeeded(false);
    b.failed(false, start, three);
    b.failed(false, start, three);
    EXPECT_TRUE(b.closed());
    b.failed(false, start, three);
    EXPECT_FALSE(b.closed());
    EXPECT_EQ(b.probe_at(), start + 5s);
}

TEST(breaker, lets_exactly_one_probe_through_when_it_has_been_open_long_enough) {
    breaker b = opened();
    EXPECT_FALSE(b.probe_due(start + 5s - 1ns));
    EXPECT_TRUE(b.probe_due(start + 5s));
    b.probe_sent();
    EXPECT_FALSE(b.probe_due(start + 1h));
    EXPECT_EQ(b.probe_at(), never);
}

TEST(breaker, closes_with_a_probe_that_succeeds_and_forgets) {
    breaker b = opened();
    b.probe_sent();
    b.succeeded(true);
    EXPECT_TRUE(b.closed());
    b.failed(false, start + 6s, three);
    b.failed(false, start + 6s, three);
    EXPECT_TRUE(b.closed());
    b.failed(false, start + 6s, three);
    EXPECT_EQ(b.probe_at(), start + 11s);
}

TEST(breaker, doubles_its_time_with_each_failed_probe_up_to_the_longest) {
    breaker b = opened();
    time_point now = start;
    for (const duration expected : {10s, 15s, 15s}) {
        now = b.probe_at();
        b.probe_sent();
        b.failed(true, now, three);
        EXPECT_EQ(b.probe_at() - now, expected);
    }
}

TEST(breaker, sends_another_probe_when_one_ends_neutrally) {
    breaker b = opened();
    b.probe_sent();
    b.ended_neutrally(true);
    EXPECT_FALSE(b.closed());
    EXPECT_TRUE(b.probe_due(start + 5s));
}

TEST(breaker, ignores_all_but_the_probe_while_it_is_open) {
    breaker b = opened();
    b.succeeded(false);
    EXPECT_FALSE(b.closed());
    b.failed(false, start + 4s, three);
    EXPECT_EQ(b.probe_at(), start + 5s);
    b.probe_sent();
    b.succeeded(false);
    b.failed(false, start + 6s, three);
    b.ended_neutrally(false);
    EXPECT_FALSE(b.closed());
    EXPECT_FALSE(b.probe_due(start + 1h));
}

const outlier_settings half_of_ten{.failure_rate = 0.5, .min_requests = 10, .window = 30s};

outlier_window window_of(int failures, int successes) {
    outlier_window w;
    for (int i = 0; i < failures; ++i)
        w.record(true, start, 30s);
    for (int i = 0; i < successes; ++i)
        w.record(false, start, 30s);
    return w;
}

TEST(outlier_window, says_nothing_before_it_has_seen_enough) {
    EXPECT_FALSE(window_of(9, 0).exceeds(half_of_ten));
    EXPECT_TRUE(window_of(10, 0).exceeds(half_of_ten));
}

TEST(outlier_window, exceeds_above_the_rate_but_not_at_it) {
    EXPECT_FALSE(window_of(10, 10).exceeds(half_of_ten));
    EXPECT_TRUE(window_of(11, 10).exceeds(half_of_ten));
}

TEST(outlier_window, remembers_half_a_window_and_forgets_a_whole_one) {
    outlier_window w = window_of(10, 0);
    w.record(true, start + 16s, 30s);
    EXPECT_TRUE(w.exceeds(half_of_ten));
    w.record(true, start + 32s, 30s);
    EXPECT_FALSE(w.exceeds(half_of_ten));
    outlier_window idle = window_of(10, 0);
    idle.record(true, start + 31s, 30s);
    EXPECT_FALSE(idle.exceeds(half_of_ten));
}

TEST(outlier, never_ejects_more_than_its_share_of_a_pool) {
    EXPECT_FALSE(may_eject(0, 1, 0.5));
    EXPECT_TRUE(may_eject(0, 2, 0.5));
    EXPECT_FALSE(may_eject(1, 2, 0.5));
    EXPECT_TRUE(may_eject(1, 4, 0.5));
    EXPECT_FALSE(may_eject(0, 4, 0.0));
    EXPECT_TRUE(may_eject(3, 4, 1.0));
}

TEST(slow_start, grows_from_one_to_all_slots_over_the_span) {
    const auto limit = [](duration age) { return slow_start_limit(11, start, 10s, start + age); };
    EXPECT_EQ(limit(0s), 1u);
    EXPECT_EQ(limit(1s - 1ns), 1u);
    EXPECT_EQ(limit(1s), 2u);
    EXPECT_EQ(limit(5s), 6u);
    EXPECT_EQ(limit(10s - 1ns), 10u);
    EXPECT_EQ(limit(10s), 11u);
}

TEST(slow_start, names_the_very_moment_of_each_growth) {
    for (const std::uint32_t slots : {2u, 3u, 7u, 64u, 1000u}) {
        time_point now = start;
        std::uint32_t limit = slow_start_limit(slots, start, 7s, now);
        for (std::uint32_t expected = 1; expected < slots; ++expected) {
            ASSERT_EQ(limit, expected);
            const time_point next = slow_start_growth(slots, start, 7s, now);
            ASSERT_GT(next, now);
            ASSERT_EQ(slow_start_limit(slots, start, 7s, next - 1ns), expected);
            now = next;
            limit = slow_start_limit(slots, start, 7s, now);
        }
        EXPECT_EQ(limit, slots);
        EXPECT_EQ(slow_start_growth(slots, start, 7s, now), never);
    }
}

TEST(slow_start, of_no_span_or_no_slots_gives_all_at_once) {
    EXPECT_EQ(slow_start_limit(64, start, 0s, start), 64u);
    EXPECT_EQ(slow_start_limit(1, start, 10s, start), 1u);
    EXPECT_EQ(slow_start_limit(0, start, 10s, start), 0u);
    EXPECT_EQ(slow_start_growth(1, start, 10s, start), never);
}

life begun(bool needs_warmup) {
    life l;
    l.begin(needs_warmup, false, start);
    return l;
}

TEST(life, begins_ready_and_warm_unless_it_must_be_warmed) {
    EXPECT_EQ(begun(false).state(), replica_state::ready);
    EXPECT_FALSE(begun(false).came_up());
    EXPECT_EQ(begun(true).state(), replica_state::starting);
}

TEST(life, becomes_ready_with_a_healthy_probe_and_remembers_when) {
    life l = begun(true);
    EXPECT_FALSE(l.probed(false, start + 1s));
    EXPECT_EQ(l.state(), replica_state::starting);
    EXPECT_TRUE(l.probed(true, start + 2s));
    EXPECT_EQ(l.state(), replica_state::ready);
    EXPECT_TRUE(l.came_up());
    EXPECT_EQ(l.ready_since(), start + 2s);
    EXPECT_FALSE(l.probed(true, start + 3s));
    EXPECT_EQ(l.ready_since(), start + 2s);
}

TEST(life, ends_with_two_misses_in_a_row_and_not_with_two_in_all) {
    life l = begun(false);
    l.probed(false, start);
    l.probed(true, start);
    l.probed(false, start);
    EXPECT_EQ(l.state(), replica_state::ready);
    l.probed(false, start);
    EXPECT_EQ(l.state(), replica_state::dead);
    EXPECT_TRUE(l.probed(true, start + 9s));
    EXPECT_EQ(l.state(), replica_state::ready);
    l.probed(false, start);
    EXPECT_EQ(l.state(), replica_state::ready);
}

TEST(life, drains_until_ready_is_said_whatever_probes_find) {
    life l = begun(false);
    l.said(replica_state::draining, start);
    l.probed(true, start);
    EXPECT_EQ(l.state(), replica_state::draining);
    l.probed(false, start);
    l.probed(false, start);
    EXPECT_EQ(l.state(), replica_state::dead);
    l.probed(true, start);
    EXPECT_EQ(l.state(), replica_state::draining);
    EXPECT_FALSE(l.said(replica_state::ready, start));
    EXPECT_EQ(l.state(), replica_state::ready);
}

TEST(life, comes_back_at_once_from_a_short_absence_and_as_a_new_one_from_a_long_one) {
    life l = begun(false);
    l.said(replica_state::draining, start);
    l.said(replica_state::ready, start + cold_after - 1ns);
    EXPECT_EQ(l.state(), replica_state::ready);
    EXPECT_FALSE(l.came_up()) << "all its slots at once";

    l.said(replica_state::draining, start);
    l.said(replica_state::draining, start + 30s);
    l.said(replica_state::ready, start + cold_after);
    EXPECT_EQ(l.state(), replica_state::starting) << "until it was probed, and warmed before that";
    EXPECT_TRUE(l.probed(true, start + cold_after + 1s));
    EXPECT_EQ(l.ready_since(), start + cold_after + 1s);
    EXPECT_TRUE(l.came_up());
}

TEST(life, is_not_up_because_an_operator_wants_it_back) {
    life l = begun(false);
    l.said(replica_state::draining, start);
    l.said(replica_state::dead, start);
    l.said(replica_state::ready, start + 1s);
    EXPECT_EQ(l.state(), replica_state::dead);
}

TEST(life, is_not_waited_for_while_it_drains) {
    life l = begun(false);
    l.said(replica_state::draining, start);
    l.said(replica_state::starting, start);
    EXPECT_FALSE(l.is_coming());
    l.said(replica_state::ready, start + 1s);
    EXPECT_TRUE(l.is_coming());
}

TEST(life, is_waited_for_while_it_is_cordoned_and_up) {
    life l = begun(false);
    l.said(replica_state::cordoned, start);
    EXPECT_EQ(l.state(), replica_state::cordoned);
    EXPECT_TRUE(l.is_coming());
    l.said(replica_state::draining, start);
    EXPECT_FALSE(l.is_coming());
    l.said(replica_state::cordoned, start);
    l.probed(false, start);
    l.probed(false, start);
    EXPECT_FALSE(l.is_coming()) << "it died meanwhile";
}

TEST(life, is_waited_for_after_a_long_absence_until_probes_say_that_it_is_dead) {
    life l = begun(false);
    l.said(replica_state::cordoned, start);
    l.said(replica_state::ready, start + cold_after);
    EXPECT_EQ(l.state(), replica_state::starting);
    EXPECT_TRUE(l.is_coming());
    life dead = l;
    EXPECT_TRUE(l.probed(true, start + cold_after));
    EXPECT_FALSE(l.is_coming());
    dead.probed(false, start + cold_after);
    EXPECT_TRUE(dead.is_coming());
    dead.probed(false, start + cold_after);
    EXPECT_FALSE(dead.is_coming());
    EXPECT_EQ(dead.state(), replica_state::dead);
}

TEST(life, takes_a_supervisors_word_for_starting_and_dead) {
    life l = begun(false);
    l.said(replica_state::dead, start);
    EXPECT_EQ(l.state(), replica_state::dead);
    EXPECT_FALSE(l.is_coming());
    l.said(replica_state::starting, start);
    EXPECT_EQ(l.state(), replica_state::starting);
    EXPECT_TRUE(l.is_coming());
    EXPECT_TRUE(l.said(replica_state::ready, start + 1s));
    EXPECT_TRUE(l.came_up());
    EXPECT_FALSE(l.is_coming());
    EXPECT_FALSE(begun(true).is_coming()) << "nobody said that it will come";
}

}  // namespace
}  // namespace penstock::health
