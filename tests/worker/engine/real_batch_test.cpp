// Batches of a decoder on the CPU: of every size, in every place and by any number of threads an
// answer has the bits that it has alone. Every test makes sure that its batch came together.
#include "real_engine.hpp"

namespace penstock::worker {
namespace {

using test::asking_real;
using test::real_run;
using test::step_record;
using test::told;
using test::told_by;

class real_batches : public test::real_engine {
 protected:
    // Prompts of different lengths: a place of a step shows by its rows who is there.
    real_batches() {
        for (std::uint32_t n = 0; n < 64; ++n)
            asked_.push_back(asking_real(1 + (n * 13 + 40) % 90, 4 + n % 5, n));
        expected_ = alone(asked_);
    }

    // The first request in this place, the others around it.
    void expect_alike(std::uint32_t size, std::uint32_t place, unsigned threads) const {
        std::vector<std::uint32_t> who(size);
        std::vector<generation> batch(size);
        step_record prompts(size);
        for (std::uint32_t i = 0; i < size; ++i) {
            who[i] = (i + 64 - place) % 64;
            batch[i] = asked_[who[i]];
            prompts[i] = static_cast<std::uint32_t>(batch[i].prompt.size());
        }
        engine_options options;
        options.max_step_tokens = 4096;
        real_run run(folder_.path(), options, threads, true);
        const auto sinks = run.ask_at_once(batch);
        for (std::uint32_t i = 0; i < size; ++i)
            ASSERT_EQ(told_by(*sinks[i]), expected_[who[i]]) << "request " << who[i];
        ASSERT_EQ(who[place], 0u);
        const auto steps = run.steps();
        ASSERT_GE(steps.size(), 5u);
        ASSERT_EQ(steps[1], prompts) << "all prompts in one step, in their order";
        ASSERT_EQ(steps[2], step_record(size, 1)) << "all decode in one step";
    }

    std::vector<generation> asked_;
    std::vector<told> expected_;
};

TEST_P(real_batches, answer_alike_in_every_place_of_a_small_one) {
    for (const std::uint32_t size : {1u, 2u, 3u, 8u})
        for (std::uint32_t place = 0; place < size; ++place) {
            SCOPED_TRACE(std::to_string(size) + ", place " + std::to_string(place));
            expect_alike(size, place, 2);
        }
}

TEST_P(real_batches, answer_alike_first_amid_and_last_in_a_large_one) {
    for (const std::uint32_t size : {16u, 33u, 64u})
        for (const std::uint32_t place : {0u, size / 2, size - 1}) {
            SCOPED_TRACE(std::to_string(size) + ", place " + std::to_string(place));
            expect_alike(size, place, 2);
        }
}

TEST_P(real_batches, answer_alike_by_any_number_of_threads) {
    for (const unsigned threads : {1u, 2u, 3u, 7u})
        for (const std::uint32_t size : {1u, 5u, 33u}) {
            SCOPED_TRACE(std::to_string(size) + " by " + std::to_string(threads) + " threads");
            expect_alike(size, size / 2, threads);
        }
}

INSTANTIATE_TEST_SUITE_P(
    tiny, real_batches, testing::ValuesIn(test::real_specs()), test::name_of_spec
);

}  // namespace
}  // namespace penstock::worker
