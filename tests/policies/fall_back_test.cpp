// For what a request goes to another model, and for what it does not.
#include "policies/retry/fall_back.hpp"

#include <gtest/gtest.h>

#include <set>

namespace penstock::retry {
namespace {

using namespace std::chrono_literals;

template <class Each>
void for_each_code(Each each) {
    for (std::size_t i = 0; i < num_errcs; ++i)
        each(static_cast<errc>(i));
}

TEST(fall_back, leaves_a_named_model_that_is_down_or_sheds) {
    for (const errc why : {errc::no_replica, errc::queue_full, errc::wait_too_long, errc::too_late})
        EXPECT_TRUE(falls_back({.why = why, .left = 1s})) << describe(why).label;
}

TEST(fall_back, leaves_a_named_model_whose_engines_failed_and_none_that_refuses_the_gateway) {
    for (const errc why :
         {errc::upstream_unreachable, errc::upstream_failed, errc::upstream_timeout})
        EXPECT_TRUE(falls_back({.why = why, .left = 1s})) << describe(why).label;
    EXPECT_FALSE(falls_back({.why = errc::upstream_rejected, .left = 1s}));
}

TEST(fall_back, leaves_no_named_model_for_what_its_client_did_but_for_its_length) {
    for_each_code([](errc why) {
        if (describe(why).who != blame::client) return;
        EXPECT_EQ(falls_back({.why = why, .left = 1s}), why == errc::context_length_exceeded)
            << describe(why).label;
    });
}

TEST(fall_back, leaves_a_fallback_for_all_but_what_ends_the_request) {
    for_each_code([](errc why) {
        EXPECT_EQ(falls_back({.why = why, .is_fallback = true, .left = 1s}), !ends_request(why))
            << describe(why).label;
    });
}

TEST(fall_back, ends_a_request_that_has_no_client_gateway_or_time_left) {
    const std::set<errc> ends{
        errc::client_gone, errc::canceled, errc::draining, errc::deadline_spent, errc::internal
    };
    for_each_code([&](errc why) {
        EXPECT_EQ(ends_request(why), ends.contains(why)) << describe(why).label;
    });
}

TEST(fall_back, never_happens_once_an_answer_has_begun) {
    for (const bool is_fallback : {false, true})
        EXPECT_FALSE(falls_back(
            {.why = errc::upstream_broken,
             .is_fallback = is_fallback,
             .answer_begun = true,
             .left = 1s}
        ));
}

TEST(fall_back, never_happens_to_a_client_that_forbids_it) {
    EXPECT_FALSE(falls_back({.why = errc::no_replica, .forbidden = true, .left = 1s}));
}

TEST(fall_back, needs_time_before_the_requests_own_deadline) {
    EXPECT_TRUE(falls_back({.why = errc::queue_timeout, .left = 1ns}));
    EXPECT_FALSE(falls_back({.why = errc::queue_timeout, .left = 0ns}));
    EXPECT_FALSE(falls_back({.why = errc::queue_timeout, .left = -1s}));
}

TEST(fall_back, costs_a_retry_where_an_engine_may_have_worked_on_the_request) {
    for (const errc why : {errc::upstream_timeout, errc::upstream_broken, errc::upstream_failed})
        EXPECT_TRUE(may_have_run(why)) << describe(why).label;
    for (const errc why : {errc::no_replica, errc::upstream_unreachable, errc::too_late})
        EXPECT_FALSE(may_have_run(why)) << describe(why).label;
}

}  // namespace
}  // namespace penstock::retry
