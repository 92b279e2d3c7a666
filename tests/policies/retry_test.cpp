// Retry budget and the decision after an attempt without an answer.
#include "policies/retry/budget.hpp"
#include "policies/retry/decision.hpp"

#include <gtest/gtest.h>

namespace penstock::retry {
namespace {

using namespace std::chrono_literals;

constexpr time_point start{1000s};

int take_all(budget& b, time_point now) {
    int taken = 0;
    while (b.take(now))
        ++taken;
    return taken;
}

TEST(budget, allows_its_floor_without_any_request) {
    budget b{{}};
    EXPECT_EQ(take_all(b, start), 3);
}

TEST(budget, refills_its_floor_with_time_and_no_further) {
    budget b{{}};
    take_all(b, start);
    EXPECT_EQ(take_all(b, start + 3s), 0);
    EXPECT_EQ(take_all(b, start + 10s), 3);
    EXPECT_EQ(take_all(b, start + 1h), 3);
}

TEST(budget, gives_at_least_three_in_every_ten_seconds) {
    budget b{{}};
    take_all(b, start);
    for (time_point now = start + 10s; now < start + 200s; now += 10s)
        EXPECT_GE(take_all(b, now), 3);
}

TEST(budget, earns_one_retry_with_ten_requests) {
    budget b{{}};
    take_all(b, start);
    for (int i = 0; i < 9; ++i)
        b.request_came();
    EXPECT_FALSE(b.take(start));
    b.request_came();
    EXPECT_TRUE(b.take(start));
    EXPECT_FALSE(b.take(start));
}

TEST(budget, keeps_no_more_than_its_cap) {
    budget b{{}};
    for (int i = 0; i < 100'000; ++i)
        b.request_came();
    EXPECT_EQ(take_all(b, start), 13);
}

TEST(budget, holds_retries_to_a_tenth_when_everything_fails) {
    budget b{{}};
    int retried = 0;
    for (int i = 0; i < 10'000; ++i) {
        b.request_came();
        retried += b.take(start + i * 1ms);
    }
    EXPECT_GE(retried, 1000);
    EXPECT_LE(retried, 1000 + 3 + 3);
}

TEST(budget, lowered_by_new_settings_gives_up_what_is_above) {
    budget b{{}};
    for (int i = 0; i < 100; ++i)
        b.request_came();
    b.settings_changed({.ratio = 0, .cap = 2, .floor = 1});
    EXPECT_EQ(take_all(b, start), 3);
    b.settings_changed({.ratio = 0, .cap = 0, .floor = 0});
    EXPECT_EQ(take_all(b, start + 1h), 0);
}

// The rules of DESIGN, said once more and another way: as a list of what forbids each action.
action expected(const failed_attempt& f, const attempts_so_far& s) {
    const bool died = f.code == errc::end_of_stream || f.code == errc::connection_reset ||
                      f.code == errc::io_failed || f.code == errc::upstream_broken ||
                      f.code == errc::upstream_unreachable;
    if (!f.answer_begun && f.engine_refused && !s.placed_elsewhere) return action::place_elsewhere;
    const bool stale = died && f.reused_connection && !f.response_begun;
    if (!f.answer_begun && !f.engine_refused && stale && !s.resent) return action::resend_fresh;
    const bool may = f.retry == again::yes || (f.retry == again::if_unsent && !f.request_written);
    const bool left = s.made < s.max;
    return !f.answer_begun && !f.engine_refused && may && left ? action::try_again
                                                               : action::give_up;
}

TEST(decision, agrees_with_the_rules_in_every_combination) {
    int seen[4] = {};
    for (std::size_t code = 0; code < num_errcs; ++code)
        for (const again retry : {again::never, again::if_unsent, again::yes})
            for (unsigned bits = 0; bits < 128; ++bits)
                for (const std::uint32_t made : {1u, 2u, 3u}) {
                    const failed_attempt f{
                        .code = static_cast<errc>(code),
                        .retry = retry,
                        .request_written = (bits & 1) != 0,
                        .response_begun = (bits & 2) != 0,
                        .answer_begun = (bits & 4) != 0,
                        .reused_connection = (bits & 8) != 0,
                        .engine_refused = (bits & 16) != 0,
                    };
                    const attempts_so_far s{made, 2, (bits & 32) != 0, (bits & 64) != 0};
                    ASSERT_EQ(decide(f, s), expected(f, s)) << code << ' ' << bits << ' ' << made;
                    ++seen[static_cast<int>(decide(f, s))];
                }
    for (const int times : seen)
        EXPECT_GT(times, 0);
}

struct row {
    const char* what;
    failed_attempt failure;
    attempts_so_far so_far;
    action then;
};

TEST(decision, is_as_the_table_says) {
    const failed_attempt refused_connection{.code = errc::connection_refused, .retry = again::yes};
    const failed_attempt stale{
        .code = errc::end_of_stream,
        .retry = again::yes,
        .request_written = true,
        .reused_connection = true
    };
    failed_attempt fresh_death = stale;
    fresh_death.reused_connection = false;
    failed_attempt broken_head = stale;
    broken_head.response_begun = true;
    failed_attempt slow = stale;
    slow.code = errc::upstream_timeout;
    slow.retry = again::if_unsent;
    failed_attempt unsent = slow;
    unsent.request_written = false;
    failed_attempt answered = refused_connection;
    answered.answer_begun = true;
    const failed_attempt busy{
        .code = errc::upstream_overloaded,
        .retry = again::yes,
        .request_written = true,
        .response_begun = true,
        .engine_refused = true
    };
    const failed_attempt bad_request{.code = errc::upstream_rejected, .retry = again::never};

    const row table[] = {
        {"a refused connection is tried again", refused_connection, {}, action::try_again},
        {"but not beyond the attempts", refused_connection, {2, 2}, action::give_up},
        {"a stale connection is resent", stale, {}, action::resend_fresh},
        {"even at the last attempt", stale, {2, 2}, action::resend_fresh},
        {"once; then it is a failure", stale, {1, 2, true}, action::try_again},
        {"a fresh connection that dies is a failure", fresh_death, {}, action::try_again},
        {"and so is one that died in the head", broken_head, {}, action::try_again},
        {"a time-out after sending is final", slow, {}, action::give_up},
        {"before sending it is not", unsent, {}, action::try_again},
        {"nothing is retried once answered", answered, {}, action::give_up},
        {"a busy engine is left alone", busy, {}, action::place_elsewhere},
        {"also at the last attempt", busy, {2, 2}, action::place_elsewhere},
        {"but once only", busy, {1, 2, false, true}, action::give_up},
        {"an error that forbids it is final", bad_request, {}, action::give_up},
    };
    for (const row& r : table)
        EXPECT_EQ(decide(r.failure, r.so_far), r.then) << r.what;
}

}  // namespace
}  // namespace penstock::retry
