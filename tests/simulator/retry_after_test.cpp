// What a refusal says of when to come again, and what becomes of those who do.
#include "simulator/reference.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace penstock::simulator {
namespace {

using namespace std::chrono_literals;

std::vector<double> ranks_of(const std::vector<double>& values) {
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t i) { return values[i]; });
    std::vector<double> ranks(values.size());
    for (std::size_t from = 0; from < order.size();) {
        std::size_t until = from;
        while (until < order.size() && values[order[until]] == values[order[from]])
            ++until;
        for (std::size_t i = from; i < until; ++i)
            ranks[order[i]] = static_cast<double>(from + until - 1) / 2;
        from = until;
    }
    return ranks;
}

// Spearman's ρ.
double rank_correlation(const std::vector<double>& a, const std::vector<double>& b) {
    const auto x = ranks_of(a), y = ranks_of(b);
    const double mean = static_cast<double>(x.size() - 1) / 2;
    double xy = 0, xx = 0, yy = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        xy += (x[i] - mean) * (y[i] - mean);
        xx += (x[i] - mean) * (x[i] - mean);
        yy += (y[i] - mean) * (y[i] - mean);
    }
    return xy / std::sqrt(xx * yy);
}

// Twice the capacity, of whose clients a tenth come again whenever they are told to; the rest go.
// Were all to come again, no more than half of them could be served, whatever they are told.
run_result twice_the_capacity(std::uint64_t seed) {
    setup s = reference_setup(0, false, seed);
    s.load.rate = 2 * capacity_of(s).requests;
    s.load.retries = 5;
    s.load.obeying = 0.1;
    return run(s, find_policy("little")->make);
}

struct told {
    std::vector<double> waits, retries;
};

told told_to(const run_result& r, bool realtime_only) {
    told all;
    for (const record& each : r.records) {
        if (each.told_retry <= 0s || each.arrived < r.from) continue;
        if (realtime_only && each.klass != request_class::realtime) continue;
        all.waits.push_back(seconds(each.told_wait));
        all.retries.push_back(seconds(each.told_retry));
    }
    return all;
}

TEST(retry_after, follows_the_predicted_wait_at_twice_the_capacity) {
    const run_result r = twice_the_capacity(1);
    for (const bool realtime_only : {false, true}) {
        const told all = told_to(r, realtime_only);
        ASSERT_GT(all.waits.size(), 1000u);
        EXPECT_GE(rank_correlation(all.waits, all.retries), 0.8) << realtime_only;
    }
}

TEST(retry_after, leads_four_of_five_of_those_who_obey_it_to_an_answer_at_twice_the_capacity) {
    for (const std::uint64_t seed : {1, 2}) {
        const run_result r = twice_the_capacity(seed);
        std::size_t obeyed = 0, admitted = 0;
        for (const record& each : r.records) {
            if (each.attempts < 2 || each.arrived < r.from || each.arrived >= r.until) continue;
            ++obeyed;
            admitted += each.granted;
        }
        ASSERT_GT(obeyed, 500u);
        EXPECT_GE(static_cast<double>(admitted), 0.8 * static_cast<double>(obeyed)) << seed;
    }
}

TEST(retry_after, spreads_those_who_are_sent_away_together) {
    setup s = reference_setup(0, false, 1);
    s.load.rate = 2 * capacity_of(s).requests;
    const run_result r = run(s, find_policy("little")->make);
    std::vector<double> bulk;
    for (const record& each : r.records)
        if (each.klass == request_class::bulk && each.told_retry > 0s)
            bulk.push_back(seconds(each.told_retry));
    std::ranges::sort(bulk);
    EXPECT_GE(bulk[bulk.size() * 9 / 10] - bulk[bulk.size() / 10], 5);
}

}  // namespace
}  // namespace penstock::simulator
