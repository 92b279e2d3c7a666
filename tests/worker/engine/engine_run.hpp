// An engine with the fake model, sinks that remember, and a gate that holds its steps.
#pragma once

#include "fake_model.hpp"
#include "worker/engine/start.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>

namespace penstock::worker::test {

inline constexpr auto patience = std::chrono::seconds(30);

// What a generation was told.
class recorder final : public token_sink {
 public:
    void on_token(const sampled_token& token) override {
        const std::lock_guard lock(mutex_);
        after_end_ |= end_.has_value();
        ids_.push_back(token.id);
        logprobs_.push_back(token.logprob);
        changed_.notify_all();
    }
    void on_end(const generation_summary& summary) override {
        const std::lock_guard lock(mutex_);
        after_end_ |= end_.has_value();
        end_ = summary;
        changed_.notify_all();
    }

    generation_summary wait_end() {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, patience, [&] { return end_.has_value(); })) {
            ADD_FAILURE() << "no end came";
            return {};
        }
        return *end_;
    }
    bool wait_tokens(std::size_t n) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, [&] { return ids_.size() >= n; });
    }
    std::vector<token_id> ids() const {
        const std::lock_guard lock(mutex_);
        return ids_;
    }
    std::vector<float> logprobs() const {
        const std::lock_guard lock(mutex_);
        return logprobs_;
    }
    bool told_after_end() const {
        const std::lock_guard lock(mutex_);
        return after_end_;
    }
    bool ended() const {
        const std::lock_guard lock(mutex_);
        return end_.has_value();
    }

 private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<token_id> ids_;
    std::vector<float> logprobs_;
    std::optional<generation_summary> end_;
    bool after_end_ = false;
};

// Steps pass one at a time while it is closed.
class step_gate {
 public:
    void pass() {
        std::unique_lock lock(mutex_);
        ++num_came_;
        changed_.notify_all();
        changed_.wait(lock, [&] { return open_ || num_let_ > 0; });
        if (!open_) --num_let_;
    }
    void let_one() {
        const std::lock_guard lock(mutex_);
        ++num_let_;
        changed_.notify_all();
    }
    void open() {
        const std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }
    // A step stands before the gate, the n-th since the start.
    bool wait_step(std::uint64_t n) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, [&] { return num_came_ >= n; });
    }

 private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t num_came_ = 0, num_let_ = 0;
    bool open_ = false;
};

inline engine_options options_with_pages(std::uint32_t num_pages) {
    engine_options options;
    options.kv_bytes = num_pages * fake_page_bytes;
    return options;
}

// Whoever holds a gate opens it before the engine goes.
struct engine_run {
    explicit engine_run(
        const engine_options& options = options_with_pages(1024), bool gated = false
    )
        : device(std::make_unique<fake_device>()), model(std::make_unique<fake_model>()) {
        if (!gated) gate.open();
        the_model = model.get();
        the_device = device.get();
        the_model->before_forward = [this](const step_batch& batch) {
            largest_batch = std::max(largest_batch.load(), batch.sequences.size());
            gate.pass();
            if (on_step) on_step(batch);
        };
        settings = options;
    }
    ~engine_run() {
        gate.open();
        engine.reset();
    }
    engine_run(const engine_run&) = delete;
    engine_run& operator=(const engine_run&) = delete;

    worker::engine& start() {
        auto started = start_engine(std::move(device), std::move(model), settings);
        if (!started) throw std::runtime_error(started.error().detail);
        engine = std::move(started).value();
        return *engine;
    }
    std::shared_ptr<recorder> ask(generation what, generation_id* id = nullptr) {
        if (!engine) start();
        auto sink = std::make_shared<recorder>();
        const auto submitted = engine->submit(std::move(what), sink);
        if (!submitted) throw std::runtime_error(submitted.error().detail);
        if (id) *id = submitted.value();
        return sink;
    }

    std::unique_ptr<fake_device> device;
    std::unique_ptr<fake_model> model;
    fake_model* the_model;
    fake_device* the_device;
    step_gate gate;
    std::atomic<std::size_t> largest_batch = 0;
    std::function<void(const step_batch&)> on_step;  // set before the start
    engine_options settings;
    std::unique_ptr<worker::engine> engine;
};

inline generation asking(std::uint32_t num_prompt, std::uint32_t max_tokens, std::uint64_t seed) {
    generation what;
    for (std::uint32_t i = 0; i < num_prompt; ++i)
        what.prompt.push_back(static_cast<token_id>(mixed(seed, i) % fake_vocabulary));
    what.max_tokens = max_tokens;
    what.sampling.temperature = seed % 2 == 0 ? 0.0f : 1.0f;
    what.sampling.seed = seed;
    what.logprobs = true;
    return what;
}

}  // namespace penstock::worker::test
