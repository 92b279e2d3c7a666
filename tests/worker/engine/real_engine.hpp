// The engine with a decoder on the CPU whose steps are watched: what each held, and a gate that
// holds them until a batch has come together.
#pragma once

#include "engine_run.hpp"
#include "support/tiny_checkpoint.hpp"
#include "worker/models/catalogue.hpp"
#include "worker/ops/backends.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace penstock::worker::test {

using penstock::test::tiny_family;
using penstock::test::tiny_spec;
using penstock::test::tiny_type;

// Ids and raw logprobs, bit for bit.
struct told {
    std::vector<token_id> ids;
    std::vector<std::uint32_t> logprob_bits;
    bool operator==(const told&) const = default;
};

inline told told_by(recorder& sink) {
    EXPECT_NE(sink.wait_end().reason, finish::failed);
    told all{sink.ids(), {}};
    for (const float logprob : sink.logprobs())
        all.logprob_bits.push_back(std::bit_cast<std::uint32_t>(logprob));
    return all;
}

inline generation asking_real(std::uint32_t num_prompt, std::uint32_t max_tokens, unsigned seed) {
    constexpr std::uint32_t vocabulary = 320;
    generation what = asking(num_prompt, max_tokens, seed);
    for (std::size_t i = 0; i < what.prompt.size(); ++i)
        what.prompt[i] = static_cast<token_id>(mixed(seed / 4, i) % vocabulary);
    if (seed % 3 == 0) what.sampling.repetition_penalty = 1.2f;
    return what;
}

// Tells of every step before it is computed.
class watched_model final : public language_model {
 public:
    using watcher = std::function<void(const step_batch&)>;

    watched_model(std::unique_ptr<language_model> of, watcher tell)
        : of_(std::move(of)), tell_(std::move(tell)) {}
    const model_shape& shape() const noexcept override { return of_->shape(); }
    result<void> reserve(std::size_t max_rows, std::size_t max_logit_rows) override {
        return of_->reserve(max_rows, max_logit_rows);
    }
    tensor forward(const step_batch& batch, kv_store& kv) override {
        tell_(batch);
        return of_->forward(batch, kv);
    }
    void tap(stage_tap tell) override { of_->tap(std::move(tell)); }

 private:
    std::unique_ptr<language_model> of_;
    watcher tell_;
};

// Rows of each sequence of a step, in their order.
using step_record = std::vector<std::uint32_t>;

struct real_run {
    real_run(
        const std::filesystem::path& folder,
        const engine_options& options,
        unsigned threads = 2,
        bool gated = false
    ) {
        if (!gated) gate.open();
        auto device = open_backend("cpu", {.threads = threads}).value();
        checkpoint weights = checkpoint::open(folder).value();
        auto model = std::make_unique<watched_model>(
            load_model(folder, weights, *device, {}).value(),
            [this](const step_batch& batch) { watch(batch); }
        );
        engine = start_engine(std::move(device), std::move(model), options).value();
    }
    ~real_run() {
        gate.open();
        engine.reset();
    }
    real_run(const real_run&) = delete;
    real_run& operator=(const real_run&) = delete;

    std::shared_ptr<recorder> ask(const generation& what, generation_id* id = nullptr) const {
        auto sink = std::make_shared<recorder>();
        const auto submitted = engine->submit(what, sink);
        EXPECT_TRUE(submitted);
        if (id) *id = submitted.value();
        return sink;
    }
    // All in one step, which computes their whole prompts where the budget allows it: the first
    // step belongs to another, and waits for them.
    std::vector<std::shared_ptr<recorder>> ask_at_once(const std::vector<generation>& what) {
        ask(asking_real(1, 1, 9999));
        EXPECT_TRUE(gate.wait_step(1));
        std::vector<std::shared_ptr<recorder>> sinks;
        sinks.reserve(what.size());
        for (const generation& one : what)
            sinks.push_back(ask(one));
        gate.open();
        return sinks;
    }
    // Steps that were begun.
    std::vector<step_record> steps() const {
        const std::lock_guard lock(mutex_);
        return steps_;
    }
    std::size_t largest_batch() const {
        std::size_t largest = 0;
        for (const step_record& step : steps())
            largest = std::max(largest, step.size());
        return largest;
    }

    step_gate gate;
    std::unique_ptr<worker::engine> engine;

 private:
    void watch(const step_batch& batch) {
        step_record step;
        for (const sequence_rows& s : batch.sequences)
            step.push_back(s.num_rows);
        {
            const std::lock_guard lock(mutex_);
            steps_.push_back(std::move(step));
        }
        gate.pass();
    }

    mutable std::mutex mutex_;
    std::vector<step_record> steps_;
};

class real_engine : public testing::TestWithParam<tiny_spec> {
 protected:
    real_engine() { write_tiny_checkpoint(folder_.path(), GetParam()); }

    // One at a time by one thread, a prompt in one step, with no page that another wrote.
    std::vector<told> alone(const std::vector<generation>& asked) const {
        engine_options options;
        options.max_sequences = 1;
        options.reuse_prefixes = false;
        options.max_step_tokens = 1024;
        const real_run run(folder_.path(), options, 1);
        std::vector<told> expected;
        expected.reserve(asked.size());
        for (const generation& what : asked)
            expected.push_back(told_by(*run.ask(what)));
        EXPECT_EQ(run.largest_batch(), 1u);
        return expected;
    }

    penstock::test::temporary_folder folder_;
};

inline std::string name_of_spec(const testing::TestParamInfo<tiny_spec>& info) {
    constexpr std::array names{"qwen2_f32", "qwen2_bf16", "qwen3_f16"};
    return names[info.index];
}

inline std::vector<tiny_spec> real_specs() {
    return {
        {.positions = 1024},
        {.type = tiny_type::bf16, .tied = false, .positions = 1024, .seed = 4},
        {.family = tiny_family::qwen3, .type = tiny_type::f16, .positions = 1024, .seed = 5},
    };
}

}  // namespace penstock::worker::test
