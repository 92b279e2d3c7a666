// The engine from outside: ends, bounds, aborts, failures and the numbers that it shows.
#include "engine_run.hpp"

#include <gmock/gmock.h>

namespace penstock::worker {
namespace {

using test::asking;
using test::engine_run;
using test::options_with_pages;
using test::recorder;
using testing::HasSubstr;

TEST(engine, ends_at_max_tokens) {
    engine_run run;
    const auto sink = run.ask(asking(10, 7, 1));
    const generation_summary end = sink->wait_end();
    EXPECT_EQ(end.reason, finish::max_tokens);
    EXPECT_EQ(end.prompt_tokens, 10u);
    EXPECT_EQ(end.output_tokens, 7u);
    EXPECT_EQ(sink->ids().size(), 7u);
}

TEST(engine, ends_at_a_stop_id_and_gives_it_as_the_last_token) {
    engine_run run;
    generation what = asking(10, 50, 4);
    const auto whole = run.ask(what);
    whole->wait_end();
    const auto ids = whole->ids();
    what.stop_ids = {99999, ids[20], -1};
    const auto first = std::ranges::find(ids, ids[20]) - ids.begin();
    const auto stopped = run.ask(what);
    EXPECT_EQ(stopped->wait_end().reason, finish::stop_id);
    EXPECT_THAT(stopped->ids(), testing::ElementsAreArray(ids.begin(), ids.begin() + first + 1));
}

TEST(engine, chooses_no_stop_id_before_min_tokens) {
    engine_run run;
    generation what = asking(10, 50, 4);
    for (token_id id = 0; id < 50; ++id)
        what.stop_ids.push_back(id);
    what.stop_ids.push_back(1'000'000);
    what.min_tokens = 12;
    const auto sink = run.ask(what);
    EXPECT_EQ(sink->wait_end().reason, finish::stop_id);
    const auto ids = sink->ids();
    ASSERT_GT(ids.size(), 12u);
    for (std::size_t i = 0; i + 1 < ids.size(); ++i)
        EXPECT_GE(ids[i], 50);
    EXPECT_LT(ids.back(), 50);
}

TEST(engine, chooses_no_id_beyond_the_vocabulary_of_the_request) {
    engine_run run;
    generation what = asking(10, 50, 4);
    what.vocabulary = 6;
    const auto sink = run.ask(what);
    sink->wait_end();
    EXPECT_THAT(sink->ids(), testing::Each(testing::Lt(6)));
}

TEST(engine, counts_tokens_for_penalties) {
    engine_run run;
    generation what = asking(3, 30, 4);
    what.sampling.frequency_penalty = 100;
    what.sampling.repetition_penalty = 1000;
    what.prompt = {7, 7, 8};
    const auto sink = run.ask(what);
    sink->wait_end();
    std::vector<token_id> ids = sink->ids();
    EXPECT_THAT(ids, testing::Not(testing::Contains(testing::AnyOf(7, 8))));
    std::ranges::sort(ids);
    EXPECT_EQ(std::ranges::adjacent_find(ids), ids.end());
}

TEST(engine, refuses_more_than_may_wait_in_each_class) {
    engine_options options = options_with_pages(64);
    options.max_sequences = 1;
    options.max_waiting = 2;
    engine_run run(options, true);
    const auto running = run.ask(asking(10, 2, 1));
    ASSERT_TRUE(run.gate.wait_step(1));
    run.gate.let_one();
    ASSERT_TRUE(run.gate.wait_step(2));
    std::vector<std::shared_ptr<recorder>> waiting{
        run.ask(asking(10, 2, 2)), run.ask(asking(10, 2, 3))
    };
    const auto sink = std::make_shared<recorder>();
    const auto refused = run.engine->submit(asking(10, 2, 4), sink);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::queue_full);
    EXPECT_EQ(sink.use_count(), 1);
    generation slow = asking(10, 2, 5);
    slow.traffic_class = request_class::bulk;
    waiting.push_back(run.ask(slow));
    EXPECT_EQ(run.engine->state().realtime.refused, 1u);
    EXPECT_EQ(run.engine->state().bulk.refused, 0u);
    run.gate.open();
    for (const auto& each : waiting)
        EXPECT_EQ(each->wait_end().reason, finish::max_tokens);
    EXPECT_EQ(run.ask(asking(10, 2, 6))->wait_end().reason, finish::max_tokens);
}

TEST(engine, refuses_what_can_never_fit_or_is_not_a_question) {
    engine_run run(options_with_pages(4));
    engine& e = run.start();
    const auto code_of = [&](const generation& what) {
        return e.submit(what, std::make_shared<recorder>()).error().code;
    };
    EXPECT_EQ(code_of(asking(2000, 49, 1)), errc::context_length_exceeded);
    EXPECT_EQ(code_of(asking(200, 58, 1)), errc::context_length_exceeded);
    EXPECT_EQ(run.ask(asking(200, 57, 1))->wait_end().reason, finish::max_tokens);
    EXPECT_EQ(code_of(asking(0, 1, 1)), errc::invalid_value);
    EXPECT_EQ(code_of(asking(1, 0, 1)), errc::invalid_value);
    EXPECT_EQ(code_of(asking(1, 0xFFFFFFFF, 1)), errc::context_length_exceeded);
    generation what = asking(2, 2, 1);
    what.prompt[1] = test::fake_vocabulary;
    EXPECT_EQ(code_of(what), errc::invalid_value);
    what.prompt[1] = -1;
    EXPECT_EQ(code_of(what), errc::invalid_value);
    what = asking(2, 2, 1);
    what.bias = {{-5, 1}};
    EXPECT_EQ(code_of(what), errc::invalid_value);
    what = asking(2, 2, 1);
    what.top_logprobs = 21;
    EXPECT_EQ(code_of(what), errc::invalid_value);
}

TEST(engine, ends_all_when_it_goes) {
    std::vector<std::shared_ptr<recorder>> sinks;
    {
        engine_options options = options_with_pages(64);
        options.max_sequences = 2;
        engine_run run(options, true);
        for (std::uint64_t i = 0; i < 6; ++i)
            sinks.push_back(run.ask(asking(10, 1000, i)));
        ASSERT_TRUE(run.gate.wait_step(1));
        run.gate.open();
        ASSERT_TRUE(sinks[0]->wait_tokens(3));
    }
    for (const auto& sink : sinks) {
        EXPECT_EQ(sink->wait_end().reason, finish::aborted);
        EXPECT_FALSE(sink->told_after_end());
        EXPECT_EQ(sink.use_count(), 1);
    }
}

TEST(engine, ends_all_as_failed_when_a_step_throws_and_refuses_what_comes_later) {
    engine_options options = options_with_pages(64);
    options.max_sequences = 2;
    engine_run run(options, true);
    std::atomic<bool> breaks = false;
    run.on_step = [&](const step_batch&) {
        if (breaks) throw std::runtime_error("the device fell off the bus");
    };
    std::vector<std::shared_ptr<recorder>> sinks{run.ask(asking(10, 1000, 1))};
    run.gate.let_one();
    ASSERT_TRUE(run.gate.wait_step(2));
    for (std::uint64_t i = 2; i < 6; ++i)
        sinks.push_back(run.ask(asking(10, 1000, i)));
    breaks = true;
    run.gate.open();
    for (const auto& sink : sinks)
        EXPECT_EQ(sink->wait_end().reason, finish::failed);
    EXPECT_EQ(sinks[0]->ids().size(), 1u);
    const auto refused = run.engine->submit(asking(1, 1, 1), std::make_shared<recorder>());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::upstream_failed);
    EXPECT_THAT(refused.error().detail, HasSubstr("fell off the bus"));
    const engine_state state = run.engine->state();
    EXPECT_THAT(state.failure, HasSubstr("fell off the bus"));
    EXPECT_EQ(state.kv_pages_used, 0u);
    EXPECT_EQ(state.realtime.q_len_prefill + state.realtime.q_len_decode, 0u);
    run.engine->abort(1);
}

TEST(engine, fails_rather_than_go_on_with_a_token_that_is_none) {
    engine_run run;
    run.the_device->after_sample = [](std::span<sampled_token> out) {
        for (sampled_token& token : out)
            token.id = -1;
    };
    const auto sink = run.ask(asking(10, 1000, 1));
    EXPECT_EQ(sink->wait_end().reason, finish::failed);
    EXPECT_TRUE(sink->ids().empty());
}

TEST(engine, outlives_a_sink_that_throws) {
    struct thrower final : token_sink {
        void on_token(const sampled_token&) override { throw std::runtime_error("no"); }
        void on_end(const generation_summary& summary) override {
            reason = summary.reason;
            throw std::runtime_error("no");
        }
        finish reason = finish::failed;
    };
    engine_run run;
    const auto bad = std::make_shared<thrower>();
    ASSERT_TRUE(run.start().submit(asking(10, 1000, 1), bad));
    EXPECT_EQ(run.ask(asking(10, 50, 2))->wait_end().reason, finish::max_tokens);
    EXPECT_EQ(bad->reason, finish::aborted);
    EXPECT_EQ(run.engine->state().kv_pages_used, 0u);
}

TEST(engine, lets_a_sink_submit_and_abort) {
    struct chain final : token_sink {
        void on_token(const sampled_token&) override {
            if (next_id == 0) next_id = at->submit(asking(10, 2000, 2), next).value();
            at->abort(next_id);
        }
        void on_end(const generation_summary&) override {}
        engine* at = nullptr;
        std::shared_ptr<recorder> next = std::make_shared<recorder>();
        generation_id next_id = 0;
    };
    engine_run run;
    const auto sink = std::make_shared<chain>();
    sink->at = &run.start();
    ASSERT_TRUE(run.engine->submit(asking(10, 1, 1), sink));
    EXPECT_EQ(sink->next->wait_end().reason, finish::aborted);
    sink->at = nullptr;
}

TEST(engine, shows_what_it_does) {
    engine_options options = options_with_pages(100);
    options.max_sequences = 2;
    engine_run run(options, true);
    generation slow = asking(300, 5, 7);
    slow.traffic_class = request_class::bulk;
    const auto a = run.ask(asking(100, 5, 1));
    ASSERT_TRUE(run.gate.wait_step(1));
    const std::vector sinks{a, run.ask(asking(30, 5, 3)), run.ask(slow)};
    run.gate.let_one();
    ASSERT_TRUE(run.gate.wait_step(2));
    run.gate.let_one();
    ASSERT_TRUE(run.gate.wait_step(3));
    engine_state state = run.engine->state();
    EXPECT_EQ(state.realtime.q_len_decode, 2u);
    EXPECT_EQ(state.realtime.q_len_prefill, 0u);
    EXPECT_EQ(state.bulk.q_len_prefill, 1u);
    EXPECT_EQ(state.bulk.q_tokens_prefill, 300u);
    const auto late = run.ask(asking(40, 5, 9));
    EXPECT_EQ(run.engine->state().realtime.q_len_prefill, 1u) << "also while a step runs";
    EXPECT_EQ(run.engine->state().realtime.q_tokens_prefill, 40u);
    EXPECT_EQ(state.kv_pages_total, 64u) << "two sequences of 2048 positions need no more";
    EXPECT_EQ(state.kv_pages_used, 3u);
    EXPECT_EQ(state.batch_sequences, 2u);
    EXPECT_EQ(state.batch_tokens, 31u);
    EXPECT_EQ(state.steps, 2u);
    EXPECT_EQ(state.prompt_tokens, 130u);
    EXPECT_EQ(state.output_tokens, 3u);
    EXPECT_GT(state.step_seconds, 0);
    EXPECT_GT(state.prefill_tokens_per_second, 0);
    EXPECT_GT(state.decode_tokens_per_second, 0);
    run.gate.open();
    for (const auto& sink : sinks)
        sink->wait_end();
    late->wait_end();
    state = run.engine->state();
    EXPECT_EQ(state.realtime.length, 3u);
    EXPECT_EQ(state.bulk.length, 1u);
    EXPECT_EQ(state.output_tokens, 20u);
    ASSERT_EQ(state.ttft_buckets.size(), ttft_bounds().size() + 1);
    EXPECT_EQ(state.ttft_buckets.back(), 4u);
    EXPECT_TRUE(std::ranges::is_sorted(state.ttft_buckets));
    EXPECT_TRUE(std::ranges::is_sorted(ttft_bounds()));
    EXPECT_GT(state.ttft_seconds_sum, 0);
    EXPECT_EQ(state.kv_pages_used, 0u);
    EXPECT_EQ(state.kv_pages_cached, 1u + 4u);
    EXPECT_EQ(state.failure, "");
}

TEST(engine, lets_as_many_pass_one_that_does_not_fit_as_it_was_told) {
    for (const std::uint32_t overtakes : {0u, 1u}) {
        engine_options options = options_with_pages(8);
        options.max_overtakes = overtakes;
        engine_run run(options, true);
        std::vector sinks{run.ask(asking(10, 300, 1))};
        ASSERT_TRUE(run.gate.wait_step(1));
        sinks.push_back(run.ask(asking(10, 300, 2)));
        sinks.push_back(run.ask(asking(10, 5, 3)));
        for (int step = 2; step < 4; ++step) {
            run.gate.let_one();
            ASSERT_TRUE(run.gate.wait_step(step));
        }
        EXPECT_EQ(run.engine->state().realtime.q_len_decode, 1u + overtakes);
        run.gate.open();
        for (const auto& sink : sinks)
            sink->wait_end();
    }
}

// A rate times the seconds of its steps is the number of its tokens, and of no others.
TEST(engine, counts_a_prompts_tokens_and_an_answers_tokens_in_rates_of_their_own) {
    engine_run run(options_with_pages(100), true);
    const auto a = run.ask(asking(10, 4, 1));
    ASSERT_TRUE(run.gate.wait_step(1));
    const auto b = run.ask(asking(30, 4, 3));
    run.gate.let_one();
    ASSERT_TRUE(run.gate.wait_step(2));
    const engine_state prefill = run.engine->state();
    EXPECT_EQ(prefill.prompt_tokens, 10u);
    EXPECT_NEAR(prefill.prefill_tokens_per_second * prefill.step_seconds, 10, 1e-6);
    EXPECT_EQ(prefill.decode_tokens_per_second, 0) << "no step has decoded";
    run.gate.let_one();
    ASSERT_TRUE(run.gate.wait_step(3));
    const engine_state mixed = run.engine->state();
    EXPECT_EQ(mixed.prompt_tokens, 40u);
    EXPECT_EQ(mixed.batch_tokens, 31u);
    EXPECT_NEAR(mixed.decode_tokens_per_second * mixed.step_seconds, 1, 1e-6);
    const double faded = 0.9 * prefill.step_seconds + mixed.step_seconds;
    EXPECT_NEAR(mixed.prefill_tokens_per_second * faded, 0.9 * 10 + 30, 1e-6);
    run.gate.let_one();
    ASSERT_TRUE(run.gate.wait_step(4));
    const engine_state decode = run.engine->state();
    EXPECT_EQ(decode.prompt_tokens, 40u);
    EXPECT_EQ(decode.output_tokens, 5u);
    EXPECT_EQ(decode.prefill_tokens_per_second, mixed.prefill_tokens_per_second);
    const double decoding = 0.9 * mixed.step_seconds + decode.step_seconds;
    EXPECT_NEAR(decode.decode_tokens_per_second * decoding, 0.9 * 1 + 2, 1e-6);
    run.gate.open();
    a->wait_end();
    b->wait_end();
}

}  // namespace
}  // namespace penstock::worker
