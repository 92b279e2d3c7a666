// What a run was worth, from records made by hand; loads, fits and pictures.
#include "simulator/figures.hpp"

#include "simulator/fit.hpp"
#include "simulator/plot.hpp"
#include "simulator/reference.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace penstock::simulator {
namespace {

using namespace std::chrono_literals;

record finished(duration arrived, duration ttft, duration tpot, std::uint32_t output = 11) {
    record r;
    r.arrived = time_point(arrived);
    r.granted = true;
    r.dispatched = r.arrived;
    r.first = r.arrived + ttft;
    r.last = r.first + tpot * (output - 1);
    r.prompt = 100;
    r.output = output;
    r.end = fate::finished;
    return r;
}

record refused_at(duration arrived) {
    record r;
    r.arrived = time_point(arrived);
    r.end = fate::refused;
    r.reason = errc::queue_full;
    r.prompt = 1000;
    return r;
}

TEST(figures, good_is_within_both_targets_and_refused_counts_as_offered) {
    run_result run{.from = time_point(10s), .until = time_point(20s)};
    run.records = {
        finished(5s, 1s, 10ms),   // before the window
        finished(11s, 2s, 60ms),  // just in time
        finished(12s, 2s + 1ns, 10ms),
        finished(13s, 1s, 61ms),
        refused_at(14s)
    };
    const figures f = figures_of(run, reference_spec());
    EXPECT_EQ(f.offered, 4u);
    EXPECT_EQ(f.good, 1u);
    EXPECT_DOUBLE_EQ(f.goodput, 0.1);
    EXPECT_DOUBLE_EQ(f.goodput_tokens, (100 + 2 * 11) / 10.0);
    EXPECT_EQ(f.refused[static_cast<std::size_t>(errc::queue_full)], 1u);
    EXPECT_EQ(f.classes[0].admitted, 3u);
}

TEST(figures, an_admitted_request_without_a_first_token_is_infinitely_late) {
    run_result run{.from = time_point{}, .until = time_point(10s)};
    record left = finished(1s, 1s, 1ms);
    left.first = left.last = never;
    left.end = fate::left;
    run.records = {left};
    EXPECT_TRUE(std::isinf(figures_of(run, reference_spec()).classes[0].ttft.p99));
}

TEST(figures, fairness_looks_at_those_alone_that_asked_for_more_than_their_part) {
    const std::array<double, 3> offered{10, 100, 100};
    // 10 of 90 go to the one who asked for no more; 40 each were the others' part.
    EXPECT_NEAR(fairness_of(offered, std::array<double, 3>{10, 40, 40}).jain, 1, 1e-12);
    const fairness unfair = fairness_of(offered, std::array<double, 3>{10, 80, 0});
    EXPECT_EQ(unfair.backlogged, 2u);
    EXPECT_NEAR(unfair.jain, 0.5, 1e-12);
}

TEST(figures, recovery_is_when_the_good_share_is_back) {
    run_result run{.from = time_point{}, .until = time_point(60s)};
    for (int i = 0; i < 600; ++i) {
        const duration at = i * 100ms;
        const bool is_bad = at >= 20s && at < 33s;
        run.records.push_back(is_bad ? refused_at(at) : finished(at, 1s, 10ms));
    }
    const std::array runs{run};
    const double s =
        recovery_of(runs, reference_spec(), time_point{}, time_point(20s), time_point(30s));
    EXPECT_NEAR(s, 2.75, 0.26);
}

// ── loads ───────────────────────────────────────────────────────────────────────────────────────

TEST(load, arrivals_have_the_mean_and_the_burstiness_that_was_asked_for) {
    for (const double cv : {1.0, 3.0}) {
        load_spec spec;
        spec.rate = 50;
        spec.length = 2000s;
        spec.arrivals.law = arrival_law::gamma;
        spec.arrivals.cv = cv;
        load_source source(spec);
        double sum = 0, squares = 0, before = 0, n = 0;
        while (const auto r = source.next()) {
            const double gap = seconds(r->arrived.time_since_epoch()) - before;
            before += gap;
            sum += gap;
            squares += gap * gap;
            ++n;
        }
        const double mean = sum / n;
        EXPECT_NEAR(mean, 0.02, 0.001) << cv;
        EXPECT_NEAR(std::sqrt(squares / n - mean * mean) / mean, cv, 0.1 * cv);
    }
}

TEST(load, bursts_keep_the_mean) {
    load_spec spec = reference_setup(40, true, 1).load;
    spec.length = 1500s;
    load_source source(spec);
    double all = 0, on = 0;
    while (const auto r = source.next()) {
        ++all;
        on += std::fmod(seconds(r->arrived.time_since_epoch()), 15) < 5;
    }
    EXPECT_NEAR(all / 1500, 40, 1);
    EXPECT_NEAR(on / all, 2.5 * 5 / 15, 0.02);
}

TEST(load, another_rate_asks_for_the_same_lengths) {
    load_spec slow, fast;
    slow.rate = 10;
    fast.rate = 90;
    load_source a(slow), b(fast);
    for (int i = 0; i < 100; ++i) {
        const auto x = a.next(), y = b.next();
        ASSERT_EQ(x->prompt, y->prompt);
        ASSERT_EQ(x->output, y->output);
        ASSERT_EQ(x->klass, y->klass);
    }
}

// ── fits ────────────────────────────────────────────────────────────────────────────────────────

TEST(fit, an_engines_parameters_are_found_again_in_what_was_logged_of_it) {
    setup s = reference_setup(30, true, 5);
    const run_result r = run(s, find_policy("fixed_slots")->make);
    std::vector<trace_line> lines;
    for (const record& each : r.records) {
        if (each.end != fate::finished) continue;
        trace_line& l = lines.emplace_back();
        l.arrived = micros(each.arrived);
        l.dispatched = micros(each.dispatched);
        l.first = micros(each.first);
        l.last = micros(each.last);
        l.replica = std::to_string(each.replica);
        l.prompt = each.prompt;
        l.output = each.output;
        l.served = l.streamed = true;
    }
    // Of another model's engine nothing is to be learned.
    for (int i = 0; i < 500; ++i) {
        trace_line& l = lines.emplace_back(lines[i]);
        l.last = *l.first + 10 * (*l.last - *l.first);
        l.fell_back = true;
    }
    const auto fit = fit_engine(lines, engine_model{});
    ASSERT_FALSE(fit.has_error()) << fit.error().detail;
    const engine_model& m = fit.value().model;
    EXPECT_NEAR(seconds(m.iteration), 0.012, 0.0012);
    EXPECT_NEAR(seconds(m.per_sequence), 0.00012, 0.00004);
    EXPECT_NEAR(m.prefill, 40'000, 6'000);
    EXPECT_LT(fit.value().error, 0.05);
}

TEST(fit, too_few_answers_are_refused) {
    EXPECT_TRUE(fit_engine({}, engine_model{}).has_error());
}

// ── pictures ────────────────────────────────────────────────────────────────────────────────────

TEST(plot, a_line_leaves_ink_of_its_colour_and_a_png_begins_as_one) {
    const picture p = draw({{"goodput", "load", {{"little", {{0, 0}, {1, 1}}}}}});
    int inked = 0;
    for (const color& each : p.pixels)
        inked += each == color{200, 30, 40};
    EXPECT_GT(inked, 200);
    const std::string png = to_png(p);
    EXPECT_EQ(png.substr(0, 8), "\x89PNG\r\n\x1a\n");
    EXPECT_EQ(png.substr(12, 4), "IHDR");
    EXPECT_EQ(png.substr(png.size() - 8, 4), "IEND");
}

TEST(rank_correlation, looks_at_the_order_alone) {
    const std::array<double, 4> a{1, 2, 3, 4}, squared{1, 4, 9, 16}, back{9, 5, 3, 1};
    EXPECT_DOUBLE_EQ(rank_correlation(a, squared), 1);
    EXPECT_DOUBLE_EQ(rank_correlation(a, back), -1);
    const std::array<double, 4> tied{1, 1, 2, 2};
    EXPECT_NEAR(rank_correlation(a, tied), 0.8944, 1e-4);
}

}  // namespace
}  // namespace penstock::simulator
