// The engine with the decoders on the CPU: ids and raw logprobs, bit for bit, however a prompt came
// to be computed. The batches have a file of their own.
#include "real_engine.hpp"

#include <random>

namespace penstock::worker {
namespace {

using test::asking_real;
using test::real_engine;
using test::real_run;
using test::recorder;
using test::tiny_spec;
using test::tiny_type;
using test::told;
using test::told_by;

TEST_P(real_engine, answers_alike_however_a_prompt_is_cut_and_after_a_hit) {
    const std::vector<generation> asked{asking_real(400, 40, 1), asking_real(257, 40, 5)};
    const auto expected = alone(asked);
    for (const std::uint32_t budget : {64u, 65u, 100u, 192u, 300u, 512u}) {
        engine_options options;
        options.max_step_tokens = budget;
        const real_run run(folder_.path(), options);
        for (int round = 0; round < 2; ++round)
            for (std::size_t i = 0; i < asked.size(); ++i)
                ASSERT_EQ(told_by(*run.ask(asked[i])), expected[i]) << budget << ", " << round;
        EXPECT_GT(run.engine->state().prefix_hit_tokens, 500u);
    }
}

// Adds so many tokens to the conversation so far and asks for so many; so many are in the cache.
struct turn {
    std::uint32_t more, max_tokens, cached;
};

// What an answer wrote is found by the next turn, and every answer has the bits that it has from
// nothing. Keys are taken in chunks of 256: each walk meets the ends at 256 and 512 otherwise.
TEST_P(real_engine, goes_on_alike_from_pages_that_an_answer_wrote) {
    const std::vector<std::vector<turn>> walks{
        {{70, 150, 0}, {1, 20, 192}},
        {{200, 110, 0}, {171, 60, 256}, {1, 20, 512}},  // decodes across both
        {{250, 10, 0}, {300, 20, 256}, {1, 5, 576}},    // decodes across one, reads across one
        {{70, 130, 0}, {100, 220, 192}, {1, 20, 512}},  // reads across one, decodes across one
        {{300, 300, 0}, {10, 3, 576}, {100, 30, 576}},  // decodes across one, and is hit beyond it
    };
    for (std::size_t n = 0; n < walks.size(); ++n) {
        const real_run run(folder_.path(), {});
        generation what = asking_real(0, 0, static_cast<unsigned>(2 + n));
        for (const auto& [more, max_tokens, cached] : walks[n]) {
            const auto begin = what.prompt.size();
            for (std::size_t i = begin; i < begin + more; ++i)
                what.prompt.push_back(static_cast<token_id>(test::mixed(n, i) % 320));
            what.max_tokens = max_tokens;
            const auto sink = run.ask(what);
            const told is = told_by(*sink);
            ASSERT_EQ(is, alone({what})[0]) << "walk " << n << " at " << begin;
            ASSERT_EQ(is.ids.size(), max_tokens);
            ASSERT_EQ(sink->wait_end().cached_tokens, cached) << "walk " << n << " at " << begin;
            what.prompt.insert(what.prompt.end(), is.ids.begin(), is.ids.end());
        }
    }
}

TEST_P(real_engine, answers_alike_in_a_crowd_with_cancels_and_few_pages) {
    std::vector<generation> asked(16);
    for (std::uint32_t n = 0; n < 16; ++n)
        asked[n] = asking_real(40 + n * 53 % 300, 5 + n % 40, n);
    const auto expected = alone(asked);
    std::mt19937 random(3);
    std::size_t largest = 0;
    for (std::uint32_t round = 0; round < 6; ++round) {
        auto device = open_backend("cpu", {.threads = 2}).value();
        engine_options options;
        options.max_sequences = 2 + random() % 10;
        options.max_step_tokens = page_size + random() % 300;
        const tiny_spec& spec = GetParam();
        const attention_shape shape{spec.heads, spec.kv_heads, spec.head_dim(), 1};
        const auto type = spec.type == tiny_type::bf16 ? dtype::bf16 : dtype::f32;
        options.kv_bytes = (8 + random() % 20) * device->bytes_per_page(spec.layers, shape, type);
        real_run run(folder_.path(), options, 2, true);
        std::vector<std::shared_ptr<recorder>> sinks;
        for (std::size_t n = 0; n < asked.size(); ++n) {
            generation_id id = 0;
            sinks.push_back(run.ask(asked[n], &id));
            if (n == 7) run.gate.open();  // some have come together, others come in between
            if (random() % 4 == 0) run.engine->abort(id);
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
        EXPECT_EQ(run.engine->state().kv_pages_used, 0u);
        largest = std::max(largest, run.largest_batch());
    }
    EXPECT_GE(largest, 4u);
}

INSTANTIATE_TEST_SUITE_P(
    tiny, real_engine, testing::ValuesIn(test::real_specs()), test::name_of_spec
);

}  // namespace
}  // namespace penstock::worker
