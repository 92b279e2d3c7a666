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

    friend std::ostream& operator<<(std::ostream& out, const golden_case& of) {
        return out << of.spec.name << " on " << of.on.name;
    }
};

std::vector<golden_case> golden_cases(bool greedy_alone) {
    std::vector<golden_case> made;
    for (const backend_row& on : test_backends())
        for (const golden_spec& spec : golden_specs())
            if (spec.greedy || !greedy_alone) made.push_back({on, spec});
    return made;
}

std::string name_of(const testing::TestParamInfo<golden_case>& of) {
    return of.param.on.name + "_" + of.param.spec.name;
}

class stages : public testing::TestWithParam<golden_case> {};
class answers : public testing::TestWithParam<golden_case> {};

using stage_map = std::map<std::string, std::vector<float>>;

// Columns [begin, end) of some rows.
std::vector<float> cut(
    const std::vector<float>& all,
    std::size_t columns,
    const std::vector<std::uint32_t>& rows,
    std::size_t begin,
    std::size_t end
) {
    std::vector<float> kept;
    for (const std::uint32_t row : rows) {
        const auto first = all.begin() + std::ptrdiff_t(row * columns);
        kept.insert(kept.end(), first + std::ptrdiff_t(begin), first + std::ptrdiff_t(end));
    }
    return kept;
}

// Stages of a run that are in the golden, cut to its rows.
stage_map run(running_model& running, const golden& expected) {
    stage_map told;
    const attention_shape shape = running.model->shape().attention;
    running.model->tap([&](std::string_view stage, tensor value) {
        const std::vector<float> all = running.download(value);
        std::vector<std::uint32_t> rows = golden_rows;
        if (value.rows == golden_logit_rows.size()) {
            rows.resize(value.rows);
            std::iota(rows.begin(), rows.end(), 0u);
        }
        std::string name(stage);
        if (!stage.ends_with(".self_attn.qkv")) {
            if (expected.stages.contains(name))
                told[name] = cut(all, value.columns, rows, 0, value.columns);
            return;
        }
        name.resize(name.size() - 3);
        const std::size_t q = shape.q_columns(), kv = shape.kv_columns();
        told[name + "q"] = cut(all, value.columns, rows, 0, q);
        told[name + "k"] = cut(all, value.columns, rows, q, q + kv);
        told[name + "v"] = cut(all, value.columns, rows, q + kv, q + 2 * kv);
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

// Step by step over its own keys and values, where Hugging Face's code computed all anew each time.
TEST_P(answers, are_those_of_hugging_face) {
    const golden_spec& spec = GetParam().spec;
    const golden expected = read_golden(spec.name);
    ASSERT_EQ(expected.answer.size(), 64u);
    running_model running = start(GetParam().on, spec.model);
    fed_sequence sequence{expected.tokens, {7, 2, 11}};
    sequence.tokens.resize(golden_prompt);
    std::vector<token_id> answer;
    while (answer.size() < expected.answer.size()) {
        const auto num_rows =
            static_cast<std::uint32_t>(sequence.tokens.size()) - sequence.computed;
        step_batch batch;
        add_rows(batch, sequence, num_rows);
        batch.logit_rows = {num_rows - 1};
        const std::vector<float> logits = running.logits(batch);
        const auto likeliest = std::ranges::max_element(logits) - logits.begin();
        answer.push_back(static_cast<token_id>(likeliest));
        sequence.tokens.push_back(answer.back());
    }
    EXPECT_EQ(answer, expected.answer);
}

INSTANTIATE_TEST_SUITE_P(goldens, stages, testing::ValuesIn(golden_cases(false)), name_of);
INSTANTIATE_TEST_SUITE_P(goldens, answers, testing::ValuesIn(golden_cases(true)), name_of);

}  // namespace
}  // namespace penstock::worker
