// Generations with a clock at every token.
#include "bench/worker/timed_run.hpp"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <random>

namespace penstock::bench {
namespace {

using clock = std::chrono::steady_clock;

class stopwatch final : public worker::token_sink {
 public:
    void on_token(const worker::sampled_token&) override {
        const std::lock_guard held(mutex_);
        times_.push_back(clock::now());
    }
    void on_end(const worker::generation_summary& summary) override {
        const std::lock_guard held(mutex_);
        summary_ = summary;
        ended_ = true;
        changed_.notify_all();
    }

    worker::generation_summary wait() {
        std::unique_lock held(mutex_);
        changed_.wait(held, [&] { return ended_; });
        return summary_;
    }
    const std::vector<clock::time_point>& times() const noexcept { return times_; }

 private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<clock::time_point> times_;
    worker::generation_summary summary_;
    bool ended_ = false;
};

worker::generation random_generation(
    std::mt19937& random, std::uint32_t vocabulary, std::uint32_t prompt, std::uint32_t output
) {
    std::uniform_int_distribution<worker::token_id> any(0, worker::token_id(vocabulary) - 1);
    worker::generation made;
    for (std::uint32_t i = 0; i < prompt; ++i)
        made.prompt.push_back(any(random));
    made.sampling.temperature = 0;
    made.max_tokens = output;
    return made;
}

double seconds_between(clock::time_point from, clock::time_point to) {
    return std::chrono::duration<double>(to - from).count();
}

}  // namespace

result<timed_run> run_generations(
    worker::engine& engine, std::uint32_t copies, std::uint32_t prompt, std::uint32_t output
) {
    static std::mt19937 random(1);
    std::vector<std::shared_ptr<stopwatch>> watches;
    const auto began = clock::now();
    for (std::uint32_t i = 0; i < copies; ++i) {
        watches.push_back(std::make_shared<stopwatch>());
        CHECK(engine.submit(
            random_generation(random, engine.vocabulary(), prompt, output), watches.back()
        ));
    }
    timed_run made;
    for (const auto& watch : watches) {
        const auto summary = watch->wait();
        if (summary.reason != worker::finish::max_tokens)
            return error{errc::internal, engine.state().failure};
        made.prompt_tokens += summary.prompt_tokens;
    }
    auto all_began = began, one_ended = clock::time_point::max();
    for (const auto& watch : watches) {
        all_began = std::max(all_began, watch->times().front());
        one_ended = std::min(one_ended, watch->times().back());
    }
    for (const auto& watch : watches)
        for (const auto at : watch->times())
            made.decoded_tokens += at > all_began && at <= one_ended;
    made.prefill_seconds = seconds_between(began, all_began);
    made.decode_seconds = seconds_between(all_began, one_ended);
    return made;
}

}  // namespace penstock::bench
