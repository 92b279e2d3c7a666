// Every stage of tiny models against what Hugging Face's code computes in double precision.
#include "golden.hpp"

#include "running_model.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace penstock::worker {
namespace {

struct golden_case {
    backend_row on;
    golden_spec spec;

    friend void PrintTo(const golden_case& of, std::ostream* out) {
        *out << of.spec.name << " on " << of.on.name;
    }
};

std::vector<golden_case> golden_cases() {
    std::vector<golden_case> made;
    for (const backend_row& on : test_backends())
        for (const golden_spec& spec : golden_specs())
            made.push_back({on, spec});
    return made;
}

class stages : public testing::TestWithParam<golden_case> {};

// Stages of a run that are in the golden, cut to its rows.
std::map<std::string, std::vector<float>> run(running_model& running, const golden& expected) {
    std::map<std::string, std::vector<float>> told;
    running.model->tap([&](std::string_view stage, tensor value) {
        const auto found = expected.stages.find(std::string(stage));
        if (found == expected.stages.end()) return;
        const std::vector<float> all = running.download(value);
        std::vector<float>& kept = told[std::string(stage)];
        std::vector<std::uint32_t> rows = golden_rows;
        if (value.rows == golden_logit_rows.size()) {
            rows.resize(value.rows);
            std::iota(rows.begin(), rows.end(), 0u);
        }
        for (const std::uint32_t row : rows) {
            const auto begin = all.begin() + std::ptrdiff_t(row * value.columns);
            kept.insert(kept.end(), begin, begin + std::ptrdiff_t(value.columns));
        }
    });
    fed_sequence sequence{expected.tokens, {7, 2, 11, 3, 5}};
    step_batch batch;
    add_rows(batch, sequence, static_cast<std::uint32_t>(expected.tokens.size()));
    batch.logit_rows = golden_logit_rows;
    running.model->forward(batch, *running.kv);
    return told;
}

TEST_P(stages, are_those_of_hugging_face) {
    const golden_spec& spec = GetParam().spec;
    const golden expected = read_golden(spec.name);
    ASSERT_EQ(digest_of(test::tiny_tensors(spec.model)), expected.weights_digest);
    running_model running = start(GetParam().on, spec.model);
    const auto told = run(running, expected);
    const bool is_bf16 = spec.model.type == test::tiny_type::bf16;
    for (const auto& [stage, should] : expected.stages) {
        ASSERT_TRUE(told.contains(stage)) << stage;
        ASSERT_EQ(told.at(stage).size(), should.size()) << stage;
        const deviation off = deviation_of(told.at(stage), should);
        EXPECT_LE(off.largest, is_bf16 ? 3e-2 : 2e-5) << stage;
        EXPECT_LE(off.mean, is_bf16 ? 4e-3 : 2e-5) << stage;
        EXPECT_GE(off.cosine, 0.9999) << stage;
    }
}

INSTANTIATE_TEST_SUITE_P(goldens, stages, testing::ValuesIn(golden_cases()), [](const auto& of) {
    return of.param.on.name + "_" + of.param.spec.name;
});

}  // namespace
}  // namespace penstock::worker
