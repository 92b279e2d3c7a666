// The limit of requests in flight, each of its rules alone, and the quantile that it looks at.
#include "policies/admission/concurrency_limit.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace penstock::admission {
namespace {

using namespace std::chrono_literals;

constexpr double target = 0.1;  // seconds per token

struct limit_driver {
    explicit limit_driver(std::uint32_t most) { limit.set_most(most); }

    concurrency_limit limit;
    tuning how;
    time_point now{1000s};

    bool review(duration later = 1s) { return limit.review(target, how, now += later); }
    void tokens(double seconds_each, int samples = 8) {
        for (int i = 0; i < samples; ++i)
            limit.saw_time_per_token(seconds_each, 10);
    }
    std::uint32_t after_pressure(int times) {
        for (int i = 0; i < times; ++i) {
            limit.pressed();
            review();
        }
        return limit.value();
    }
};

TEST(concurrency_limit, begins_at_the_most_that_is_allowed) {
    EXPECT_EQ(limit_driver(64).limit.value(), 64u);
}

TEST(concurrency_limit, falls_by_a_tenth_at_pressure_and_never_below_one) {
    limit_driver d(64);
    EXPECT_EQ(d.after_pressure(1), 57u);
    EXPECT_EQ(d.after_pressure(1), 51u);
    EXPECT_EQ(d.after_pressure(100), 1u);
}

TEST(concurrency_limit, falls_when_tokens_come_too_slowly) {
    limit_driver d(10);
    d.tokens(1.01 * target);
    EXPECT_TRUE(d.review());
    EXPECT_EQ(d.limit.value(), 9u);
}

TEST(concurrency_limit, believes_no_few_slow_tokens) {
    limit_driver d(10);
    d.tokens(2 * target, 7);
    EXPECT_FALSE(d.review());
    d.tokens(2 * target, 1);
    EXPECT_TRUE(d.review());
}

TEST(concurrency_limit, changes_at_most_once_a_second) {
    limit_driver d(10);
    d.limit.pressed();
    EXPECT_TRUE(d.review());
    d.limit.pressed();
    EXPECT_FALSE(d.review(999ms));
    EXPECT_TRUE(d.review(1ms)) << "pressure is not forgotten meanwhile";
}

TEST(concurrency_limit, changes_more_slowly_than_first_tokens_come) {
    limit_driver d(10);
    d.limit.saw_first_token(3);
    d.limit.pressed();
    EXPECT_TRUE(d.review());
    d.limit.pressed();
    EXPECT_FALSE(d.review(5900ms));
    EXPECT_TRUE(d.review(100ms));
}

TEST(concurrency_limit, grows_by_one_when_nearly_all_of_it_was_used) {
    limit_driver d(20);
    ASSERT_EQ(d.after_pressure(5), 11u);
    d.tokens(0.5 * target);
    d.limit.in_flight(10);
    EXPECT_TRUE(d.review());
    EXPECT_EQ(d.limit.value(), 12u);
    d.limit.in_flight(8);
    EXPECT_FALSE(d.review()) << "eight of twelve are not four fifths";
}

TEST(concurrency_limit, comes_back_from_wherever_pressure_left_it) {
    for (std::uint32_t most = 2; most <= 20; ++most)
        for (int times = 1; times <= 30; ++times) {
            limit_driver d(most);
            d.after_pressure(times);
            for (std::uint32_t i = 0; i <= most; ++i) {
                d.limit.in_flight(d.limit.value());
                d.review();
            }
            ASSERT_EQ(d.limit.value(), most) << times;
        }
}

TEST(concurrency_limit, grows_never_beyond_the_most) {
    limit_driver d(4);
    for (int i = 0; i < 10; ++i) {
        d.limit.in_flight(4);
        d.review();
    }
    EXPECT_EQ(d.limit.value(), 4u);
}

TEST(concurrency_limit, stays_while_tokens_come_hardly_in_time) {
    limit_driver d(10);
    d.after_pressure(2);
    d.tokens(0.9 * target);
    d.limit.in_flight(8);
    EXPECT_FALSE(d.review()) << "below the target, and above 0.85 of it";
}

TEST(concurrency_limit, stays_while_more_in_flight_bring_no_more_tokens) {
    limit_driver d(40);
    d.after_pressure(6);
    const auto run = [&](std::uint32_t running, int samples) {
        d.limit.in_flight(running);
        d.tokens(0.5 * target, samples);
        return d.review();
    };
    // Few in flight and many tokens, and the reverse.
    for (int i = 0; i < 40; ++i)
        run(i % 2 == 0 ? 4 : 16, i % 2 == 0 ? 20 : 8);
    EXPECT_FALSE(run(d.limit.value(), 8));
    for (int i = 0; i < 60; ++i)
        run(i % 2 == 0 ? 4 : 16, i % 2 == 0 ? 4 : 30);
    EXPECT_TRUE(run(d.limit.value(), 40)) << "now more bring more";
}

TEST(concurrency_limit, follows_the_most_that_is_allowed) {
    limit_driver d(10);
    d.limit.set_most(4);
    EXPECT_EQ(d.limit.value(), 4u);
    d.limit.set_most(30);
    EXPECT_EQ(d.limit.value(), 30u) << "it never came down by itself";
    ASSERT_EQ(d.after_pressure(3), 21u);
    d.limit.set_most(60);
    EXPECT_EQ(d.limit.value(), 21u) << "what was learned holds";
}

TEST(quantile, rests_where_its_share_of_the_numbers_is_smaller) {
    std::mt19937_64 random{4};
    std::lognormal_distribution<double> times{-3, 0.7};
    quantile p90{0.9};
    double below = 0, log_sum = 0;
    constexpr int warm = 500, measured = 20'000;
    for (int i = 0; i < warm + measured; ++i) {
        const double each = times(random);
        if (i >= warm) {
            below += each < p90.value();
            log_sum += std::log(p90.value());
        }
        p90.see(each);
    }
    EXPECT_NEAR(below / measured, 0.9, 0.02);
    EXPECT_NEAR(log_sum / measured, -3 + 0.7 * 1.2816, 0.1);
}

TEST(quantile, begins_with_the_first_number_and_follows_a_change) {
    quantile p90{0.9};
    EXPECT_EQ(p90.value(), 0);
    p90.see(2);
    EXPECT_EQ(p90.value(), 2);
    for (int i = 0; i < 25; ++i)
        p90.see(20);
    EXPECT_GT(p90.value(), 2 * 2.718) << "by e within 1 / step numbers, a few more";
}

}  // namespace
}  // namespace penstock::admission
