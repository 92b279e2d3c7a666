// Policies under the reference loads: the baselines come out as they are known to, and the policy
// that we ship reaches its figures.
#include "simulator/reference.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace penstock::simulator {
namespace {

const capacity& full() {
    static const capacity measured = capacity_of(reference_setup(0, false, 1));
    return measured;
}

study study_of(std::string_view policy, bool bursts = false) {
    return {reference_setup(full().requests, bursts, 1), find_policy(policy), full(), 2};
}

double goodput(std::string_view policy, double load, bool bursts = false) {
    return measure(study_of(policy, bursts), load).mean.goodput / full().requests;
}

// reference/routers.md 3.7 measured 39.9.
TEST(reference, capacity_is_that_of_the_published_model) {
    EXPECT_NEAR(full().requests, 39.9, 0.5);
}

TEST(reference, below_capacity_no_baseline_loses_anything) {
    for (const char* each : {"forward_everything", "fifo", "codel_lifo", "gradient2"})
        EXPECT_NEAR(goodput(each, 0.7), 0.7, 0.03) << each;
}

TEST(reference, forwarding_everything_serves_no_realtime_request_in_time_at_twice_the_capacity) {
    const figures f = measure(study_of("forward_everything"), 2).mean;
    EXPECT_LT(f.classes[0].good_share(), 0.02);
    EXPECT_GT(f.classes[1].good_share(), 0.95);
    EXPECT_NEAR(f.goodput / full().requests, 0.6, 0.05);
}

TEST(reference, baselines_keep_their_order_at_twice_the_capacity) {
    const double fifo = goodput("fifo", 2), forward = goodput("forward_everything", 2);
    const double scraped = goodput("scraped_gate", 2), codel = goodput("codel_lifo", 2);
    const double gradient = goodput("gradient2", 2);
    EXPECT_NEAR(fifo, 0.30, 0.05);
    EXPECT_NEAR(scraped, 0.65, 0.08);
    EXPECT_NEAR(codel, 0.82, 0.06);
    EXPECT_NEAR(gradient, 0.92, 0.10);
    EXPECT_LT(fifo, forward);
    EXPECT_LT(forward, codel);
    EXPECT_LT(codel, gradient);
}

TEST(reference, one_seed_gives_one_result) {
    const setup s = reference_setup(60, true, 7);
    const run_result a = run(s, find_policy("codel_lifo")->make);
    const run_result b = run(s, find_policy("codel_lifo")->make);
    ASSERT_EQ(a.records.size(), b.records.size());
    EXPECT_EQ(a.events, b.events);
    for (std::size_t i = 0; i < a.records.size(); ++i) {
        ASSERT_EQ(a.records[i].first, b.records[i].first);
        ASSERT_EQ(a.records[i].last, b.records[i].last);
    }
}

TEST(reference, a_run_with_jumps_is_the_run_without_them) {
    setup s = reference_setup(70, true, 3);
    s.load.length = std::chrono::seconds(60);
    s.load.faults = {{0, std::chrono::seconds(20), std::chrono::seconds(40), 0}};
    for (const char* policy : {"fixed_slots", "codel_lifo"}) {
        s.jumps = true;
        const run_result jumping = run(s, find_policy(policy)->make);
        s.jumps = false;
        const run_result stepping = run(s, find_policy(policy)->make);
        ASSERT_EQ(jumping.records.size(), stepping.records.size());
        for (std::size_t i = 0; i < jumping.records.size(); ++i) {
            ASSERT_EQ(jumping.records[i].last, stepping.records[i].last) << policy << ' ' << i;
            ASSERT_EQ(jumping.records[i].end, stepping.records[i].end) << policy << ' ' << i;
        }
        EXPECT_LT(jumping.events, stepping.events);
    }
}

TEST(reference, a_lost_replica_fails_begun_answers_and_moves_the_rest) {
    setup s = reference_setup(20, false, 1);
    s.load.length = std::chrono::seconds(60);
    s.load.warm_up = {};
    s.load.faults = {{0, std::chrono::seconds(30), std::chrono::seconds(1000), 0}};
    const figures f = figures_of(run(s, find_policy("fixed_slots")->make), s.spec);
    EXPECT_GT(f.failed, 0u);
    EXPECT_LT(f.failed, 60u);
    EXPECT_EQ(f.unfinished, 0u);
    EXPECT_GT(f.good, f.offered * 9 / 10);
}

TEST(reference, a_run_in_which_engines_numbers_stand_still_differs_from_then_on) {
    setup s = reference_setup(60, false, 1);
    s.load.length = std::chrono::seconds(60);
    const run_result told = run(s, find_policy("scraped_gate")->make);
    s.every.frozen = {std::chrono::seconds(20), std::chrono::seconds(50), false};
    const run_result silent = run(s, find_policy("scraped_gate")->make);
    s.every.frozen.repeats = true;
    const run_result repeating = run(s, find_policy("scraped_gate")->make);
    const auto first_difference = [](const run_result& a, const run_result& b) {
        for (std::size_t i = 0; i < a.records.size(); ++i)
            if (a.records[i].dispatched != b.records[i].dispatched) return a.records[i].arrived;
        return never;
    };
    // Nothing changes before; of a policy that lives by these numbers much does from then on.
    for (const run_result* each : {&silent, &repeating}) {
        EXPECT_GT(first_difference(told, *each), time_point(std::chrono::seconds(10)));
        EXPECT_NE(first_difference(told, *each), never);
    }
}

TEST(reference, clients_that_come_again_are_still_one_request_each) {
    setup s = reference_setup(60, false, 1);
    const run_result once = run(s, find_policy("fifo")->make);
    s.load.retries = 3;
    const run_result again = run(s, find_policy("fifo")->make);
    ASSERT_EQ(once.records.size(), again.records.size());
    std::uint32_t attempts = 0;
    for (const record& r : again.records)
        attempts += r.attempts;
    EXPECT_GT(attempts, again.records.size());
}

// ── the policy that we ship ─────────────────────────────────────────────────────────────────────

class little : public testing::Test {
 protected:
    void SetUp() override { ASSERT_TRUE(find_policy("little")); }
};

TEST_F(little, keeps_its_goodput_under_twice_the_capacity) {
    const auto f = overload(study_of("little"), sweep_loads);
    EXPECT_GE(f.requests, 0.95);
    EXPECT_GE(f.tokens, 0.95);
    EXPECT_GT(f.sweep.back().mean.admitted_by_length[9], 0);
}

TEST_F(little, keeps_its_goodput_under_bursts_of_five_times_the_capacity) {
    const auto f = overload(study_of("little", true), sweep_loads);
    EXPECT_GE(f.requests, 0.90);
    EXPECT_GE(f.tokens, 0.90);
}

TEST_F(little, is_back_soon_after_a_step_down) {
    EXPECT_LE(recovery(study_of("little")), 5);
}

TEST_F(little, serves_backlogged_tenants_alike) {
    EXPECT_GE(fair_shares(study_of("little")), 0.95);
}

// For a minute: at the capacity, at twice it, and where the load falls as the numbers stop.
TEST_F(little, loses_at_most_a_tenth_while_engines_numbers_stand_still) {
    constexpr duration from = std::chrono::seconds(40), until = std::chrono::seconds(100);
    const rate_step falls{from, 0.3 * full().requests};
    for (const bool steps : {false, true}) {
        for (const double load : {1.0, 2.0}) {
            study told = study_of("little");
            told.base.load.length = until;
            told.base.every.scrape = std::chrono::milliseconds(100);
            if (steps) told.base.load.steps = {falls};
            const double before = measure(told, load).mean.goodput;
            for (const bool repeats : {false, true}) {
                study frozen = told;
                frozen.base.every.frozen = {from, until, repeats};
                EXPECT_GE(measure(frozen, load).mean.goodput, 0.9 * before)
                    << load << steps << repeats;
            }
        }
    }
}

TEST_F(little, bears_estimates_that_are_off_by_half) {
    const double exact = goodput("little", 2);
    study noisy = study_of("little");
    noisy.base.load.noise = 0.5;
    EXPECT_GE(measure(noisy, 2).mean.goodput / full().requests, 0.95 * exact);
}

// All that this load asks for, in one piece.
std::vector<request> unstreamed(const load_spec& load) {
    load_source source(load);
    std::vector<request> all;
    while (auto each = source.next()) {
        each->streamed = false;
        all.push_back(*each);
    }
    return all;
}

TEST_F(little, serves_answers_in_one_piece_alone_below_capacity_and_keeps_nothing_of_them) {
    for (const std::uint64_t seed : {1, 2}) {
        setup s = reference_setup(0.7 * full().requests, false, seed);
        const std::vector<request> all = unstreamed(s.load);
        s.trace = all;
        const run_result r = run(s, find_policy("little")->make);
        const figures f = figures_of(r, s.spec);
        for (const class_figures& each : f.classes) {
            EXPECT_GT(each.offered, 1000u);
            EXPECT_GE(each.good_share(), 0.98);
        }
        EXPECT_EQ(r.records.size(), all.size());
        EXPECT_EQ(f.unfinished, 0u) << "the run was not cut";
        EXPECT_EQ(r.waiting, 0u);
        EXPECT_EQ(r.in_flight, 0u);
        EXPECT_EQ(r.backlog, 0u);
    }
}

TEST_F(little, gives_accepted_realtime_requests_their_first_token_in_time) {
    EXPECT_LE(measure(study_of("little"), 2).mean.classes[0].ttft.p99, 2);
    EXPECT_LE(measure(study_of("little", true), 2).mean.classes[0].ttft.p99, 2);
}

TEST_F(little, does_not_waver_at_a_constant_load) {
    for (const double load : {1.0, 1.3, 2.0}) {
        const figures f = measure(study_of("little"), load).mean;
        EXPECT_LE(std::max(f.shed_flips, f.refusal_flips), 6) << load;
    }
}

}  // namespace
}  // namespace penstock::simulator
