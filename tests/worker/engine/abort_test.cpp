// Aborts and stops: within a step, wherever a generation is, and nothing of it stays.
#include "engine_run.hpp"

#include <malloc.h>
#include <random>
#include <thread>

namespace penstock::worker {
namespace {

using test::asking;
using test::engine_run;
using test::options_with_pages;
using test::recorder;

TEST(abort, ends_a_running_one_within_the_step) {
    engine_run run(options_with_pages(64), true);
    generation_id id = 0;
    const auto sink = run.ask(asking(10, 1000, 1), &id);
    run.gate.let_one();
    run.gate.let_one();
    ASSERT_TRUE(run.gate.wait_step(3));
    run.engine->abort(id);
    run.gate.let_one();
    const generation_summary end = sink->wait_end();
    EXPECT_EQ(end.reason, finish::aborted);
    EXPECT_EQ(end.output_tokens, 2u);
    EXPECT_EQ(sink->ids().size(), 2u);
    const engine_state state = run.engine->state();
    EXPECT_EQ(state.steps, 3u);
    EXPECT_EQ(state.kv_pages_used, 0u);
    EXPECT_EQ(state.realtime.aborted, 1u);
    EXPECT_EQ(state.realtime.q_len_decode, 0u);
}

// Its reader has what it wanted: it is no abort, and what was computed may be found again.
TEST(stop, ends_a_running_one_within_the_step_and_keeps_its_prefix) {
    engine_run run(options_with_pages(64), true);
    generation_id id = 0;
    const generation what = asking(150, 1000, 1);
    const auto sink = run.ask(what, &id);
    run.gate.let_one();
    run.gate.let_one();
    ASSERT_TRUE(run.gate.wait_step(3));
    run.engine->stop(id);
    run.engine->abort(id);  // too late
    run.gate.let_one();
    const generation_summary end = sink->wait_end();
    EXPECT_EQ(end.reason, finish::stopped);
    EXPECT_EQ(end.output_tokens, 2u);
    const engine_state state = run.engine->state();
    EXPECT_EQ(state.steps, 3u);
    EXPECT_EQ(state.kv_pages_used, 0u);
    EXPECT_EQ(state.kv_pages_cached, 2u);
    EXPECT_EQ(state.realtime.stop, 1u);
    EXPECT_EQ(state.realtime.aborted + state.realtime.length, 0u);
    run.gate.open();
    EXPECT_EQ(run.ask(what)->wait_end().cached_tokens, 128u);
}

TEST(stop, ends_a_waiting_one_as_stopped) {
    engine_options options = options_with_pages(64);
    options.max_sequences = 1;
    engine_run run(options, true);
    const auto running = run.ask(asking(10, 1000, 1));
    ASSERT_TRUE(run.gate.wait_step(1));
    generation_id id = 0;
    const auto waits = run.ask(asking(10, 1000, 2), &id);
    run.engine->stop(id);
    run.gate.let_one();
    EXPECT_EQ(waits->wait_end().reason, finish::stopped);
    EXPECT_EQ(run.engine->state().realtime.stop, 1u);
}

TEST(abort, ends_a_prompt_before_its_first_token) {
    engine_options options = options_with_pages(64);
    options.max_step_tokens = 64;
    engine_run run(options, true);
    generation_id id = 0;
    const auto sink = run.ask(asking(1000, 10, 1), &id);
    run.gate.let_one();
    ASSERT_TRUE(run.gate.wait_step(2));
    run.engine->abort(id);
    run.gate.let_one();
    EXPECT_EQ(sink->wait_end().reason, finish::aborted);
    EXPECT_TRUE(sink->ids().empty());
    EXPECT_EQ(run.engine->state().steps, 2u);
    EXPECT_EQ(run.engine->state().kv_pages_used, 0u);
    EXPECT_EQ(run.engine->state().kv_pages_cached, 2u);
}

TEST(abort, ends_a_waiting_one_without_a_step_of_its_own) {
    engine_options options = options_with_pages(64);
    options.max_sequences = 1;
    engine_run run(options, true);
    const auto running = run.ask(asking(10, 1000, 1));
    ASSERT_TRUE(run.gate.wait_step(1));
    generation_id let_wait = 0, fresh = 0;
    const auto first = run.ask(asking(10, 1000, 2), &let_wait);
    run.gate.let_one();
    ASSERT_TRUE(run.gate.wait_step(2));
    const auto second = run.ask(asking(10, 1000, 3), &fresh);
    run.engine->abort(let_wait);
    run.engine->abort(fresh);
    run.gate.let_one();
    EXPECT_EQ(first->wait_end().reason, finish::aborted);
    EXPECT_EQ(second->wait_end().reason, finish::aborted);
    EXPECT_EQ(run.engine->state().realtime.q_len_prefill, 0u);
    EXPECT_FALSE(running->ended());
}

TEST(abort, of_one_that_has_ended_or_never_was_does_nothing) {
    engine_run run;
    generation_id id = 0;
    run.ask(asking(10, 2, 1), &id)->wait_end();
    run.engine->abort(id);
    run.engine->abort(id);
    run.engine->abort(12345);
    EXPECT_EQ(run.ask(asking(10, 2, 2))->wait_end().reason, finish::max_tokens);
    EXPECT_EQ(run.engine->state().realtime.aborted, 0u);
}

TEST(abort, leaves_the_neighbours_as_they_were) {
    engine_run run;
    const generation what = asking(200, 300, 3);
    const auto alone = run.ask(what);
    alone->wait_end();
    const auto again = run.ask(what);
    for (std::uint64_t i = 0; i < 40; ++i) {
        generation_id id = 0;
        const auto other = run.ask(asking(100, 500, 10 + i), &id);
        ASSERT_TRUE(other->wait_tokens(i % 3));
        run.engine->abort(id);
        other->wait_end();
    }
    again->wait_end();
    EXPECT_EQ(again->ids(), alone->ids());
    EXPECT_EQ(again->logprobs(), alone->logprobs());
}

// Sinks that count themselves: whoever is left over is seen.
struct counted final : token_sink {
    explicit counted(std::atomic<int>& of) : alive(of) { ++alive; }
    ~counted() override { --alive; }
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;
    void on_token(const sampled_token&) override {}
    void on_end(const generation_summary&) override { ++ends; }
    std::atomic<int>& alive;
    std::atomic<int> ends = 0;
};

class storm {
 public:
    storm() : run_(settings()) { run_.start(); }

    // Each is aborted after some others came; some end before that.
    void blow(int num_generations) {
        std::vector<std::pair<generation_id, std::shared_ptr<counted>>> out;
        for (int i = 0; i < num_generations;) {
            const auto sink = std::make_shared<counted>(alive_);
            const auto id = run_.engine->submit(any(), sink);
            if (id) out.emplace_back(id.value(), sink), ++i;
            if (!id || random_() % 2 == 0) abort_one(out);
        }
        while (!out.empty())
            abort_one(out);
    }
    // All sinks are back.
    void come_to_rest() {
        const auto until = std::chrono::steady_clock::now() + test::patience;
        while (alive_ > 0 && std::chrono::steady_clock::now() < until)
            std::this_thread::yield();
        EXPECT_EQ(alive_, 0);
        const engine_state state = run_.engine->state();
        EXPECT_EQ(state.kv_pages_used, 0u);
        for (const class_state& of : {state.realtime, state.bulk})
            EXPECT_EQ(of.q_len_prefill + of.q_len_decode + of.q_tokens_prefill, 0u);
    }
    engine_state state() const { return run_.engine->state(); }

 private:
    static engine_options settings() {
        engine_options options = options_with_pages(60);
        options.max_sequences = 16;
        options.max_step_tokens = 160;
        options.max_waiting = 32;
        return options;
    }
    generation any() {
        generation what = asking(1 + random_() % 300, 1 + random_() % 200, random_() % 50);
        if (random_() % 3 == 0) what.traffic_class = request_class::bulk;
        if (random_() % 5 == 0) what.sampling.presence_penalty = 1;
        return what;
    }
    void abort_one(std::vector<std::pair<generation_id, std::shared_ptr<counted>>>& out) {
        if (out.empty()) return;
        std::swap(out[random_() % out.size()], out.back());
        run_.engine->abort(out.back().first);
        out.pop_back();
    }

    std::atomic<int> alive_ = 0;
    std::mt19937 random_{1};
    engine_run run_;
};

TEST(abort, of_ten_thousand_leaves_pages_slots_and_memory_as_they_were) {
    storm s;
    s.blow(1000);
    s.come_to_rest();
    const auto before = mallinfo2().uordblks;
    s.blow(10'000);
    s.come_to_rest();
    const auto after = mallinfo2().uordblks;
    EXPECT_LE(after, before + 64 * 1024);
    const engine_state state = s.state();
    EXPECT_GT(state.realtime.aborted + state.bulk.aborted, 5000u);
}

}  // namespace
}  // namespace penstock::worker
