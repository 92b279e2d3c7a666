// The engine's model: a schedule worked out by hand, and jumps against single steps.
#include "simulator/engine.hpp"

#include "simulator/random.hpp"

#include <gtest/gtest.h>

#include <string>

namespace penstock::simulator {
namespace {

using namespace std::chrono_literals;

// Round numbers: 10 ms, 1 ms for each that decodes, 1 ms for 10 tokens of prompts.
engine_model round_model() {
    return {
        .iteration = 10ms,
        .per_sequence = 1ms,
        .prefill = 10'000,
        .chunk = 100,
        .sequences = 2,
        .kv_tokens = 1000
    };
}

time_point at(duration d) {
    return time_point(d);
}

// "first 1 at 20, finished 1 at 42", in milliseconds.
std::string text(const std::vector<engine_news>& news) {
    std::string all;
    for (const engine_news& each : news) {
        if (!all.empty()) all += ", ";
        all += each.what == engine_news::kind::first_token ? "first " : "finished ";
        all += std::to_string(each.id) + " at " + std::to_string(micros(each.when) / 1000);
    }
    return all;
}

std::vector<engine_news> run_dry(engine& e) {
    std::vector<engine_news> news;
    for (time_point next = e.next_event(); next != never; next = e.next_event())
        e.advance(next, news);
    return news;
}

TEST(engine, one_request_takes_its_prompt_and_one_iteration_a_token) {
    engine e(round_model());
    std::vector<engine_news> news;
    e.submit({1, 100, 3}, at(5ms), news);
    EXPECT_TRUE(news.empty());
    // 5 + 10 + 10 for the prompt, then twice 10 + 1.
    EXPECT_EQ(text(run_dry(e)), "first 1 at 25, finished 1 at 47");
    EXPECT_EQ(e.busy(), 42ms);
    EXPECT_EQ(e.kv_used(), 0u);
}

TEST(engine, a_long_prompt_is_read_in_chunks_while_others_decode) {
    engine e(round_model());
    std::vector<engine_news> news;
    e.submit({1, 50, 4}, at(0ms), news);
    e.submit({2, 150, 2}, at(1ms), news);
    // 0: 50 tokens of the first, 10 + 5. 15: 100 of the second beside one that decodes, 10 + 1
    // + 10. 36: the last 50, 10 + 1 + 5. 52: both decode, 10 + 2, and both are through.
    EXPECT_EQ(text(run_dry(e)), "first 1 at 15, first 2 at 52, finished 1 at 64, finished 2 at 64");
}

TEST(engine, the_budget_of_one_iteration_is_shared_by_several_prompts) {
    engine e(round_model());
    std::vector<engine_news> news;
    e.submit({1, 60, 1}, at(0ms), news);
    e.submit({2, 60, 1}, at(0ms), news);
    // 100 of 120 tokens first, then the last 20.
    EXPECT_EQ(text(run_dry(e)), "first 1 at 20, finished 1 at 20, first 2 at 32, finished 2 at 32");
}

TEST(engine, who_finds_no_sequence_waits_in_order_of_arrival) {
    engine e(round_model());
    std::vector<engine_news> news;
    for (const std::uint32_t id : {1, 2, 3, 4})
        e.submit({id, 10, 2}, at(0ms), news);
    e.next_event();
    EXPECT_EQ(e.running(), 2u);
    EXPECT_EQ(e.waiting(), 2u);
    // 10 + 2 for the prompts, 10 + 2 for the second tokens; then the same for the next two.
    EXPECT_EQ(
        text(run_dry(e)),
        "first 1 at 12, first 2 at 12, finished 1 at 24, finished 2 at 24, "
        "first 3 at 36, first 4 at 36, finished 3 at 48, finished 4 at 48"
    );
}

TEST(engine, memory_is_reserved_for_prompt_and_answer_before_a_request_runs) {
    engine_model tight = round_model();
    tight.kv_tokens = 100;
    engine e(tight);
    std::vector<engine_news> news;
    e.submit({1, 50, 20}, at(0ms), news);
    e.submit({2, 30, 1}, at(0ms), news);
    e.next_event();
    EXPECT_EQ(e.kv_used(), 70u);
    EXPECT_EQ(e.waiting(), 1u);
    run_dry(e);
    EXPECT_EQ(e.kv_used(), 0u);
}

TEST(engine, one_that_never_fits_runs_alone) {
    engine e(round_model());
    std::vector<engine_news> news;
    e.submit({1, 5000, 1}, at(0ms), news);
    EXPECT_EQ(run_dry(e).size(), 2u);
}

TEST(engine, a_request_joins_the_next_iteration_and_not_the_one_under_way) {
    engine e(round_model());
    std::vector<engine_news> news;
    e.submit({1, 100, 100}, at(0ms), news);
    e.advance(at(200ms), news);  // decodes: iterations end at 20 + 11 n, the last at 196
    news.clear();
    e.submit({2, 10, 1}, at(200ms), news);
    e.advance(at(230ms), news);
    // From 207 on: 10 + 1 + 1.
    EXPECT_EQ(text(news), "first 2 at 219, finished 2 at 219");
}

TEST(engine, one_that_was_canceled_in_the_queue_never_starts) {
    engine e(round_model());
    std::vector<engine_news> news;
    for (const std::uint32_t id : {1, 2, 3})
        e.submit({id, 10, 1}, at(0ms), news);
    e.next_event();
    e.cancel(3, at(1ms), news);
    e.cancel(2, at(1ms), news);  // read already, and of no use to anybody
    EXPECT_EQ(text(run_dry(e)), "first 1 at 12, finished 1 at 12");
    EXPECT_EQ(e.kv_used(), 0u);
}

TEST(engine, one_that_is_canceled_while_it_decodes_is_out_of_the_next_iteration) {
    engine e(round_model());
    std::vector<engine_news> news;
    e.submit({1, 50, 4}, at(0ms), news);
    e.submit({2, 50, 4}, at(0ms), news);
    e.submit({3, 50, 1}, at(0ms), news);
    e.advance(at(21ms), news);  // both are read at 20; the next iteration ends at 32
    news.clear();
    e.cancel(1, at(21ms), news);
    EXPECT_EQ(e.kv_used(), 54u);
    // From 32 on the third is read beside the second, 10 + 1 + 5, which then decodes alone.
    EXPECT_EQ(text(run_dry(e)), "first 3 at 48, finished 3 at 48, finished 2 at 59");
    EXPECT_EQ(e.kv_used(), 0u);
}

TEST(engine, a_slow_one_takes_longer_from_its_next_iteration_on) {
    engine e(round_model());
    std::vector<engine_news> news;
    e.submit({1, 100, 3}, at(0ms), news);
    e.next_event();
    e.set_speed(0.5, at(10ms), news);
    EXPECT_EQ(text(run_dry(e)), "first 1 at 20, finished 1 at 64");
}

TEST(engine, losing_everything_leaves_it_idle) {
    engine e(round_model());
    std::vector<engine_news> news;
    for (const std::uint32_t id : {1, 2, 3})
        e.submit({id, 10, 9}, at(0ms), news);
    e.advance(at(15ms), news);
    std::vector<std::uint32_t> lost;
    e.lose_all(lost);
    EXPECT_EQ(lost.size(), 3u);
    EXPECT_EQ(e.next_event(), never);
    e.submit({4, 10, 1}, at(50ms), news);
    news.clear();
    EXPECT_EQ(text(run_dry(e)), "first 4 at 61, finished 4 at 61");
}

TEST(engine, progress_counts_tokens_since_the_last_report) {
    engine e(round_model());
    std::vector<engine_news> news;
    e.submit({7, 100, 100}, at(0ms), news);
    const auto tokens = [&](duration now) {
        std::uint32_t sum = 0;
        e.advance(at(now), news);
        e.report_progress([&](std::uint32_t, std::uint32_t more) { sum += more; });
        return sum;
    };
    EXPECT_EQ(tokens(20ms), 0u);  // the first token is told by itself
    EXPECT_EQ(tokens(42ms), 2u);
    EXPECT_EQ(tokens(52ms), 0u);
    EXPECT_EQ(tokens(53ms), 1u);
}

// ── jumps ───────────────────────────────────────────────────────────────────────────────────────

struct twins {
    explicit twins(const engine_model& model) : jumping(model, true), stepping(model, false) {}

    engine jumping, stepping;
    std::vector<engine_news> of_jumping, of_stepping;

    template <class Call>
    void both(Call&& call) {
        call(jumping, of_jumping);
        call(stepping, of_stepping);
    }
    // Lets both come to `until` by their own events, and counts them.
    void reach(time_point until) {
        both([&](engine& e, std::vector<engine_news>& news) {
            auto& events = &e == &jumping ? jumps : steps;
            for (time_point next = e.next_event(); next <= until; next = e.next_event(), ++events)
                e.advance(next, news);
            e.advance(until, news);
        });
    }
    std::uint64_t jumps = 0, steps = 0;
};

void expect_same(const twins& t) {
    ASSERT_EQ(t.of_jumping.size(), t.of_stepping.size());
    for (std::size_t i = 0; i < t.of_jumping.size(); ++i) {
        ASSERT_EQ(t.of_jumping[i].what, t.of_stepping[i].what) << i;
        ASSERT_EQ(t.of_jumping[i].id, t.of_stepping[i].id) << i;
        ASSERT_EQ(t.of_jumping[i].when, t.of_stepping[i].when) << i;
    }
    ASSERT_EQ(t.jumping.busy(), t.stepping.busy());
    ASSERT_EQ(t.jumping.kv_used(), t.stepping.kv_used());
}

// Arrivals, cancellations and changes of tempo at random times, some of them exactly at the end of
// an iteration.
void compare_at_random(std::uint64_t seed) {
    engine_model model;
    model.sequences = 8;
    model.kv_tokens = 9000;
    twins t(model);
    random draw(seed);
    time_point now{};
    for (std::uint32_t id = 0; id < 300; ++id) {
        const time_point edge = t.jumping.next_event();
        const bool at_edge = edge != never && draw.uniform() < 0.2;
        now = at_edge ? edge : now + duration(std::int64_t(draw.exponential() * 60e6));
        t.reach(now);
        const double what = draw.uniform();
        const auto prompt = static_cast<std::uint32_t>(1 + draw.uniform() * 3000);
        const auto output = static_cast<std::uint32_t>(1 + draw.exponential() * 60);
        t.both([&](engine& e, std::vector<engine_news>& news) {
            if (what < 0.8) e.submit({id, prompt, output}, now, news);
            if (what >= 0.8 && what < 0.9 && id > 2) e.cancel(id - 2, now, news);
            if (what >= 0.9) e.set_speed(what < 0.95 ? 0.3 : 1, now, news);
        });
        expect_same(t);
    }
    t.reach(now + 1000s);
    expect_same(t);
    EXPECT_EQ(t.jumping.running(), 0u);
    EXPECT_LT(t.jumps * 2, t.steps);
}

TEST(engine, jumps_over_decoding_give_exactly_what_single_steps_give) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        compare_at_random(seed);
        if (testing::Test::HasFatalFailure()) FAIL() << "seed " << seed;
    }
}

}  // namespace
}  // namespace penstock::simulator
