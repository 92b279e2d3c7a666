// What a refusal says of when to come again, and what becomes of those who do.
#include "simulator/reference.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace penstock::simulator {
namespace {

using namespace std::chrono_literals;

study at_twice_the_capacity() {
    const setup s = reference_setup(0, false, 1);
    return {s, find_policy("little"), capacity_of(s), 2};
}

TEST(retry_after, follows_the_predicted_wait_and_leads_those_who_obey_it_to_an_answer) {
    const returning_figures f = returning(at_twice_the_capacity());
    EXPECT_GE(f.correlation, 0.8);
    EXPECT_GE(f.realtime_correlation, 0.8);
    EXPECT_GE(f.admitted, 0.8);
}

TEST(retry_after, spreads_those_who_are_sent_away_together) {
    setup s = reference_setup(0, false, 1);
    s.load.rate = 2 * capacity_of(s).requests;
    std::vector<double> bulk;
    for (const record& each : run(s, find_policy("little")->make).records)
        if (each.klass == request_class::bulk && each.told_retry > 0s)
            bulk.push_back(seconds(each.told_retry));
    std::ranges::sort(bulk);
    EXPECT_GE(bulk[bulk.size() * 9 / 10] - bulk[bulk.size() / 10], 5);
}

}  // namespace
}  // namespace penstock::simulator
