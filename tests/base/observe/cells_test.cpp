// Cells: what is counted, and in which bucket.
#include "penstock/observe/cells.hpp"

#include <gtest/gtest.h>

#include <random>

namespace penstock::observe {
namespace {

using namespace std::chrono_literals;

std::size_t slow_index(const bucket_layout& layout, std::uint64_t ns) {
    std::size_t i = 0;
    while (i < layout.size && ns > layout.bounds[i])
        ++i;
    return i;
}

class every_layout : public testing::TestWithParam<const bucket_layout*> {};
INSTANTIATE_TEST_SUITE_P(
    buckets,
    every_layout,
    testing::Values(
        &buckets::lock,
        &buckets::connect,
        &buckets::queue_wait,
        &buckets::first_byte,
        &buckets::between_chunks,
        &buckets::whole
    )
);

TEST_P(every_layout, has_rising_bounds_that_no_two_of_are_far_apart) {
    const auto& layout = *GetParam();
    ASSERT_GT(layout.size, 1);
    ASSERT_LE(layout.size, bucket_layout::max_bounds);
    for (std::size_t i = 1; i < layout.size; ++i) {
        EXPECT_LT(layout.bounds[i - 1], layout.bounds[i]);
        EXPECT_LE(layout.bounds[i] * 3, layout.bounds[i - 1] * 5);
    }
}

TEST_P(every_layout, has_a_bound_of_one_to_ten_in_each_decade) {
    const auto& layout = *GetParam();
    EXPECT_EQ(layout.size % 6, 1);
    EXPECT_EQ(layout.bounds[6], layout.bounds[0] * 10);
}

TEST_P(every_layout, finds_the_first_bound_that_is_not_below_a_value) {
    const auto& layout = *GetParam();
    for (std::size_t i = 0; i < layout.size; ++i) {
        EXPECT_EQ(layout.index(layout.bounds[i]), i) << "a bound belongs to its bucket";
        EXPECT_EQ(layout.index(layout.bounds[i] + 1), i + 1);
        EXPECT_EQ(layout.index(layout.bounds[i] - 1), slow_index(layout, layout.bounds[i] - 1));
    }
    EXPECT_EQ(layout.index(0), 0u);
    EXPECT_EQ(layout.index(~std::uint64_t{0}), layout.size);
    std::mt19937_64 random(7);
    for (int i = 0; i < 100'000; ++i) {
        const std::uint64_t ns = random() >> (random() % 64);
        ASSERT_EQ(layout.index(ns), slow_index(layout, ns)) << ns;
    }
}

TEST(histogram, keeps_what_was_recorded) {
    histogram cells(buckets::connect);
    cells.record(10us);
    cells.record(11us);
    cells.record(1h);
    const auto values = cells.values();
    EXPECT_EQ(values.counts[0], 1u);
    EXPECT_EQ(values.counts[1], 1u);
    EXPECT_EQ(values.counts[buckets::connect.size], 1u);
    EXPECT_EQ(values.sum_ns, std::uint64_t(duration(1h + 21us).count()));
}

TEST(histogram, counts_a_negative_time_as_none) {
    histogram cells(buckets::connect);
    cells.record(-5s);
    EXPECT_EQ(cells.values().counts[0], 1u);
    EXPECT_EQ(cells.values().sum_ns, 0u);
}

TEST(histogram, adds_up_over_threads) {
    histogram one(buckets::lock), other(buckets::lock);
    one.record(10ns);
    other.record(10ns);
    other.record(5us);
    auto sum = one.values();
    sum += other.values();
    EXPECT_EQ(sum.counts[0], 2u);
    EXPECT_EQ(sum.counts[buckets::lock.index(5000)], 1u);
    EXPECT_EQ(sum.sum_ns, 5020u);
}

TEST(counted, is_given_back_once_wherever_it_was_moved) {
    gauge open;
    {
        counted first = count_one(open);
        counted second = std::move(first);
        EXPECT_EQ(open.value(), 1);
        first = count_one(open);
        EXPECT_EQ(open.value(), 2);
        first = std::move(second);
        EXPECT_EQ(open.value(), 1);
    }
    EXPECT_EQ(open.value(), 0);
}

}  // namespace
}  // namespace penstock::observe
