// The engine with the decoders on the CPU: ids and raw logprobs, bit for bit, whatever else a step
// computes.
#include "engine_run.hpp"
#include "support/tiny_checkpoint.hpp"
#include "worker/models/catalogue.hpp"
#include "worker/ops/backends.hpp"

#include <array>
#include <bit>
#include <random>

namespace penstock::worker {
namespace {

using penstock::test::tiny_family;
using penstock::test::tiny_spec;
using penstock::test::tiny_type;
using test::recorder;

constexpr std::uint32_t vocabulary = 320;

struct told {
    std::vector<token_id> ids;
    std::vector<std::uint32_t> logprob_bits;
    bool operator==(const told&) const = default;
};

told told_by(recorder& sink) {
    EXPECT_NE(sink.wait_end().reason, finish::failed);
    told all{sink.ids(), {}};
    for (const float logprob : sink.logprobs())
        all.logprob_bits.push_back(std::bit_cast<std::uint32_t>(logprob));
    return all;
}

generation asking(std::uint32_t num_prompt, std::uint32_t max_tokens, std::uint64_t seed) {
    generation what = test::asking(num_prompt, max_tokens, seed);
    for (std::size_t i = 0; i < what.prompt.size(); ++i)
        what.prompt[i] = static_cast<token_id>(test::mixed(seed / 4, i) % vocabulary);
    if (seed % 3 == 0) what.sampling.repetition_penalty = 1.2f;
    return what;
}

class real_engine : public testing::TestWithParam<tiny_spec> {
 protected:
    real_engine() { write_tiny_checkpoint(folder_.path(), GetParam()); }

    std::unique_ptr<engine> start(const engine_options& options, unsigned threads = 2) const {
        auto device = open_backend("cpu", {.threads = threads}).value();
        checkpoint weights = checkpoint::open(folder_.path()).value();
        auto model = load_model(folder_.path(), weights, *device, {}).value();
        return start_engine(std::move(device), std::move(model), options).value();
    }
    static std::shared_ptr<recorder> ask(engine& of, const generation& what) {
        auto sink = std::make_shared<recorder>();
        EXPECT_TRUE(of.submit(what, sink));
        return sink;
    }
    // One at a time, with no page that another wrote.
    std::vector<told> alone(const std::vector<generation>& asked) const {
        engine_options options;
        options.max_sequences = 1;
        options.reuse_prefixes = false;
        options.max_step_tokens = 1024;
        const auto e = start(options, 1);
        std::vector<told> expected(asked.size());
        for (std::size_t i = 0; i < asked.size(); ++i)
            expected[i] = told_by(*ask(*e, asked[i]));
        return expected;
    }

    penstock::test::temporary_folder folder_;
};

TEST_P(real_engine, answers_alike_in_batches_and_in_every_place) {
    std::vector<generation> asked(64);
    for (std::uint32_t n = 0; n < 64; ++n)
        asked[n] = asking(1 + n * 13 % 90, 3 + n % 5, n);
    const auto expected = alone(asked);
    for (const std::uint32_t size : {2u, 3u, 8u, 17u, 33u, 64u}) {
        engine_options options;
        options.max_step_tokens = 4096;
        const auto e = start(options);
        std::vector<std::shared_ptr<recorder>> sinks(size);
        for (std::uint32_t i = 0; i < size; ++i)
            sinks[i] = ask(*e, asked[(i + size) % 64]);
        for (std::uint32_t i = 0; i < size; ++i)
            ASSERT_EQ(told_by(*sinks[i]), expected[(i + size) % 64]) << size << ", place " << i;
    }
}

TEST_P(real_engine, answers_alike_however_a_prompt_is_cut_and_after_a_hit) {
    const std::vector<generation> asked{asking(400, 40, 1), asking(257, 40, 5)};
    const auto expected = alone(asked);
    for (const std::uint32_t budget : {64u, 65u, 100u, 192u, 300u, 512u}) {
        engine_options options;
        options.max_step_tokens = budget;
        const auto e = start(options);
        for (int round = 0; round < 2; ++round)
            for (std::size_t i = 0; i < asked.size(); ++i)
                ASSERT_EQ(told_by(*ask(*e, asked[i])), expected[i]) << budget << ", " << round;
        EXPECT_GT(e->state().prefix_hit_tokens, 500u);
    }
}

TEST_P(real_engine, goes_on_alike_from_pages_that_an_answer_wrote) {
    engine_options options;
    const auto e = start(options);
    generation turn = asking(70, 150, 2);
    for (const token_id id : told_by(*ask(*e, turn)).ids)
        turn.prompt.push_back(id);
    turn.prompt.push_back(7);
    turn.max_tokens = 20;
    const auto hit = ask(*e, turn);
    EXPECT_EQ(told_by(*hit), alone({turn})[0]);
    EXPECT_EQ(hit->wait_end().cached_tokens, 192u);
}

TEST_P(real_engine, answers_alike_in_a_crowd_with_cancels_and_few_pages) {
    std::vector<generation> asked(16);
    for (std::uint32_t n = 0; n < 16; ++n)
        asked[n] = asking(40 + n * 53 % 300, 5 + n % 40, n);
    const auto expected = alone(asked);
    std::mt19937 random(3);
    for (std::uint32_t round = 0; round < 6; ++round) {
        auto device = open_backend("cpu", {.threads = 2}).value();
        engine_options options;
        options.max_sequences = 2 + random() % 10;
        options.max_step_tokens = page_size + random() % 300;
        const tiny_spec& spec = GetParam();
        const attention_shape shape{spec.heads, spec.kv_heads, spec.head_dim(), 1};
        const auto type = spec.type == tiny_type::bf16 ? dtype::bf16 : dtype::f32;
        options.kv_bytes = (8 + random() % 20) * device->bytes_per_page(spec.layers, shape, type);
        const auto e = start(options);
        std::vector<std::shared_ptr<recorder>> sinks;
        for (std::size_t n = 0; n < asked.size(); ++n) {
            auto sink = std::make_shared<recorder>();
            const auto id = e->submit(asked[n], sink);
            ASSERT_TRUE(id);
            sinks.push_back(sink);
            if (random() % 4 == 0) e->abort(id.value());
        }
        for (std::size_t n = 0; n < asked.size(); ++n) {
            const told is = told_by(*sinks[n]);
            told beginning = expected[n];
            if (sinks[n]->wait_end().reason == finish::aborted) {
                beginning.ids.resize(is.ids.size());
                beginning.logprob_bits.resize(is.ids.size());
            }
            ASSERT_EQ(is, beginning) << round << ", " << n;
        }
        EXPECT_EQ(e->state().kv_pages_used, 0u);
    }
}

std::string name_of(const testing::TestParamInfo<tiny_spec>& info) {
    constexpr std::array names{"qwen2_f32", "qwen2_bf16", "qwen3_f16"};
    return names[info.index];
}

INSTANTIATE_TEST_SUITE_P(
    tiny,
    real_engine,
    testing::Values(
        tiny_spec{},
        tiny_spec{.type = tiny_type::bf16, .tied = false, .seed = 4},
        tiny_spec{.family = tiny_family::qwen3, .type = tiny_type::f16, .seed = 5}
    ),
    name_of
);

}  // namespace
}  // namespace penstock::worker
