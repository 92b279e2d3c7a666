// The waits between a worker's death and its next start.
#include "policies/health/restart.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace penstock::health {
namespace {

using namespace std::chrono_literals;

constexpr restart_settings usual{.first = 500ms, .most = 30s, .reset_after = 1min};

TEST(restart_backoff, doubles_from_the_first_wait_to_the_longest) {
    restart_backoff backoff;
    std::vector<duration> waits;
    for (int i = 0; i < 9; ++i)
        waits.push_back(backoff.died(0s, usual));
    EXPECT_EQ(waits, (std::vector<duration>{500ms, 1s, 2s, 4s, 8s, 16s, 30s, 30s, 30s}));
}

TEST(restart_backoff, begins_again_after_a_life_that_was_ready_for_long_enough) {
    restart_backoff backoff;
    for (int i = 0; i < 5; ++i)
        backoff.died(0s, usual);
    EXPECT_EQ(backoff.died(1min, usual), 500ms);
    EXPECT_EQ(backoff.died(0s, usual), 1s);
}

TEST(restart_backoff, goes_on_doubling_after_a_life_that_was_ready_for_a_moment) {
    restart_backoff backoff;
    backoff.died(0s, usual);
    EXPECT_EQ(backoff.died(59s, usual), 1s);
    EXPECT_EQ(backoff.died(1ns, usual), 2s);
}

TEST(restart_backoff, never_forgets_a_life_that_was_never_ready) {
    constexpr restart_settings at_once{.first = 1s, .most = 4s, .reset_after = 0s};
    restart_backoff backoff;
    EXPECT_EQ(backoff.died(0s, at_once), 1s);
    EXPECT_EQ(backoff.died(0s, at_once), 2s);
    EXPECT_EQ(backoff.died(1ns, at_once), 1s);
}

TEST(restart_backoff, takes_new_bounds_at_once) {
    restart_backoff backoff;
    for (int i = 0; i < 7; ++i)
        backoff.died(0s, usual);
    EXPECT_EQ(backoff.died(0s, {.first = 100ms, .most = 2s, .reset_after = 1min}), 2s);
    EXPECT_EQ(backoff.died(0s, {.first = 10s, .most = 20s, .reset_after = 1min}), 10s);
    EXPECT_EQ(backoff.died(0s, {.first = 5s, .most = 1s, .reset_after = 1min}), 5s)
        << "`most` below `first` is taken as `first`";
}

// Doubling the largest duration there is must not overflow.
TEST(restart_backoff, stays_at_the_longest_wait_for_ever) {
    restart_backoff backoff;
    const restart_settings huge{.first = duration::max() / 2, .most = duration::max()};
    for (int i = 0; i < 100; ++i)
        EXPECT_GE(backoff.died(0s, huge), duration::max() / 2);
    backoff.reset();
    EXPECT_EQ(backoff.died(0s, usual), 500ms);
}

TEST(restart, is_waited_for_when_it_is_near_and_not_when_it_is_far) {
    EXPECT_EQ(state_until_restart(0s), replica_state::starting);
    EXPECT_EQ(state_until_restart(2s), replica_state::starting);
    EXPECT_EQ(state_until_restart(2s + 1ns), replica_state::dead);
    EXPECT_EQ(state_until_restart(duration::max()), replica_state::dead);
}

// A worker that dies again and again is down, however soon its first restarts came.
TEST(restart, is_no_longer_waited_for_after_the_third_death_in_a_row) {
    restart_backoff backoff;
    std::vector<replica_state> states;
    for (int i = 0; i < 5; ++i)
        states.push_back(state_until_restart(backoff.died(0s, usual)));
    constexpr auto starting = replica_state::starting, dead = replica_state::dead;
    EXPECT_EQ(states, (std::vector{starting, starting, starting, dead, dead}));
}

}  // namespace
}  // namespace penstock::health
