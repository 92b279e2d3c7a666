// An answer is the same, id for id and bit for bit, whatever it was computed together with.
#include "engine_run.hpp"

#include <algorithm>
#include <random>

namespace penstock::worker {
namespace {

using test::asking;
using test::engine_run;
using test::options_with_pages;
using test::recorder;

struct told {
    std::vector<token_id> ids;
    std::vector<float> logprobs;
    bool operator==(const told&) const = default;
};

told told_by(recorder& sink) {
    sink.wait_end();
    return {sink.ids(), sink.logprobs()};
}

told alone(const generation& what) {
    engine_options options = options_with_pages(64);
    options.reuse_prefixes = false;
    engine_run run(options);
    return told_by(*run.ask(what));
}

// Of different lengths, with and without penalties.
generation nth(std::uint32_t n) {
    generation what = asking(1 + n * 7 % 150, 4 + n % 9, n);
    if (n % 5 == 0) what.sampling.frequency_penalty = 0.5f;
    if (n % 7 == 0) what.cache_salt = "tenant";
    return what;
}

TEST(engine, answers_alike_in_every_batch_from_1_to_64_and_in_every_place) {
    std::vector<told> expected(64);
    for (std::uint32_t n = 0; n < 64; ++n)
        expected[n] = alone(nth(n));
    for (std::uint32_t size = 1; size <= 64; ++size) {
        engine_options options = options_with_pages(1024);
        options.max_step_tokens = 64 * 150;
        engine_run run(options, true);
        std::vector<std::shared_ptr<recorder>> sinks(size);
        // Holds the first step until all have come.
        const auto first = run.ask(asking(3, 2, 1000));
        ASSERT_TRUE(run.gate.wait_step(1));
        for (std::uint32_t i = 0; i < size; ++i)
            sinks[i] = run.ask(nth((i + size) % 64));
        run.gate.open();
        for (std::uint32_t i = 0; i < size; ++i)
            ASSERT_EQ(told_by(*sinks[i]), expected[(i + size) % 64]) << size << ", place " << i;
        first->wait_end();
        ASSERT_GE(run.largest_batch, std::min(size, 63u));
    }
}

TEST(engine, answers_alike_however_a_prompt_is_cut) {
    const generation what = asking(700, 80, 3);
    const told expected = alone(what);
    for (std::uint32_t budget = 64; budget <= 512; budget += budget < 128 ? 1 : 37) {
        engine_options options = options_with_pages(64);
        options.max_step_tokens = budget;
        engine_run run(options);
        ASSERT_EQ(told_by(*run.ask(what)), expected) << budget;
    }
}

TEST(engine, answers_alike_after_a_prefix_was_found) {
    engine_run run;
    for (const std::uint32_t length : {65u, 128u, 129u, 500u}) {
        const generation what = asking(length, 30, length);
        const auto miss = run.ask(what), late = run.ask(what);
        const told expected = told_by(*miss);
        EXPECT_EQ(miss->wait_end().cached_tokens, 0u);
        EXPECT_EQ(told_by(*late), expected);
        const auto hit = run.ask(what);
        EXPECT_EQ(told_by(*hit), expected) << length;
        EXPECT_EQ(hit->wait_end().cached_tokens, (length - 1) / page_size * page_size);
    }
    const engine_state state = run.engine->state();
    EXPECT_GT(state.prefix_hit_tokens, 0u);
    EXPECT_LT(state.prefix_hit_tokens, state.prefix_lookup_tokens);
}

// A conversation's next turn: the prompt, the answer, and some more.
TEST(engine, finds_what_an_answer_computed_and_goes_on_alike) {
    engine_run run;
    generation turn = asking(100, 150, 8);
    const auto first = run.ask(turn);
    first->wait_end();
    for (const token_id id : first->ids())
        turn.prompt.push_back(id);
    turn.prompt.push_back(5);
    const auto second = run.ask(turn);
    EXPECT_EQ(told_by(*second), alone(turn));
    EXPECT_EQ(second->wait_end().cached_tokens, 249u / page_size * page_size);
}

TEST(engine, shares_no_prefix_between_salts_or_when_told_not_to) {
    generation what = asking(300, 3, 2);
    {
        engine_run run;
        what.cache_salt = "a";
        run.ask(what)->wait_end();
        what.cache_salt = "b";
        EXPECT_EQ(run.ask(what)->wait_end().cached_tokens, 0u);
        what.cache_salt = "a";
        EXPECT_EQ(run.ask(what)->wait_end().cached_tokens, 256u);
    }
    engine_options options = options_with_pages(64);
    options.reuse_prefixes = false;
    engine_run run(options);
    run.ask(what)->wait_end();
    EXPECT_EQ(run.ask(what)->wait_end().cached_tokens, 0u);
}

// Of tokens that do not depend on each other's requests: prefixes shared, seeds apart.
std::vector<generation> crowd() {
    std::vector<generation> asked(24);
    for (std::uint32_t n = 0; n < 24; ++n) {
        asked[n] = asking(40 + n * 53 % 300, 5 + n % 70, 2 * (n / 6));
        asked[n].sampling.seed = n;
        asked[n].sampling.temperature = n % 2 == 0 ? 0.0f : 1.0f;
    }
    return asked;
}

// Few pages and slots, prompts that share prefixes: pages are evicted, reused and shared.
TEST(engine, answers_alike_in_a_crowd_that_wants_more_pages_than_there_are) {
    const std::vector<generation> asked = crowd();
    std::vector<told> expected(asked.size());
    std::ranges::transform(asked, expected.begin(), alone);
    engine_options options = options_with_pages(14);
    options.max_sequences = 6;
    options.max_step_tokens = 130;
    engine_run run(options);
    for (std::uint32_t round = 0; round < 6; ++round) {
        std::vector<std::shared_ptr<recorder>> sinks;
        for (std::uint32_t n = 0; n < 24; ++n) {
            generation what = asked[(n * 5 + round) % 24];
            if (n % 4 == 0) what.traffic_class = request_class::bulk;
            sinks.push_back(run.ask(what));
        }
        for (std::uint32_t n = 0; n < 24; ++n)
            ASSERT_EQ(told_by(*sinks[n]), expected[(n * 5 + round) % 24]) << round << ", " << n;
    }
    EXPECT_GT(run.engine->state().prefix_hit_tokens, 0u);
    EXPECT_EQ(run.engine->state().kv_pages_used, 0u);
}

// Every setting by chance, and some leave before their end: what they were told is a beginning.
TEST(engine, answers_alike_under_random_arrivals_cancels_and_settings) {
    const std::vector<generation> asked = crowd();
    std::vector<told> expected(asked.size());
    std::ranges::transform(asked, expected.begin(), alone);
    std::mt19937 random(7);
    for (std::uint32_t round = 0; round < 60; ++round) {
        engine_options options = options_with_pages(7 + random() % 40);
        options.max_sequences = 1 + random() % 12;
        options.max_step_tokens = page_size + random() % 400;
        options.reuse_prefixes = random() % 3 != 0;
        options.max_bulk_age = std::chrono::microseconds(random() % 500);
        engine_run run(options);
        std::vector<std::pair<std::size_t, std::shared_ptr<recorder>>> sinks;
        for (int i = 0; i < 40; ++i) {
            const std::size_t n = random() % asked.size();
            generation what = asked[n];
            if (random() % 2 == 0) what.traffic_class = request_class::bulk;
            generation_id id = 0;
            sinks.emplace_back(n, run.ask(what, &id));
            if (random() % 3 > 0) continue;
            if (random() % 2 == 0) sinks.back().second->wait_tokens(1 + random() % 5);
            run.engine->abort(id);
        }
        for (const auto& [n, sink] : sinks) {
            const bool is_whole = sink->wait_end().reason != finish::aborted;
            const std::size_t length = sink->ids().size();
            ASSERT_TRUE(!is_whole || length == expected[n].ids.size());
            told beginning = expected[n];
            beginning.ids.resize(length);
            beginning.logprobs.resize(length);
            ASSERT_EQ((told{sink->ids(), sink->logprobs()}), beginning) << round;
        }
        ASSERT_EQ(run.engine->state().kv_pages_used, 0u);
    }
}

}  // namespace
}  // namespace penstock::worker
