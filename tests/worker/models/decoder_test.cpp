// One sequence gives the same logits however it is cut into steps and whatever it shares them with.
#include "running_model.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace penstock::worker {
namespace {

struct decoder_case {
    backend_row on;
    std::string name;
    test::tiny_spec spec;

    friend std::ostream& operator<<(std::ostream& out, const decoder_case& of) {
        return out << of.name << " on " << of.on.name;
    }
};

std::vector<decoder_case> decoder_cases() {
    std::vector<decoder_case> made;
    for (const backend_row& on : test_backends()) {
        made.push_back({on, "qwen2", {.seed = 11}});
        made.push_back({on, "qwen2_yarn_bf16", {.type = test::tiny_type::bf16, .yarn = true}});
        made.push_back(
            {on, "qwen3", {.family = test::tiny_family::qwen3, .tied = false, .seed = 12}}
        );
    }
    return made;
}

std::vector<token_id> some_tokens(std::size_t count, std::uint32_t seed) {
    std::vector<token_id> made;
    made.reserve(count);
    for (std::size_t i = 0; i < count; ++i)
        made.push_back(static_cast<token_id>((seed + i * i * 7 + i * 13) % 320));
    return made;
}

constexpr std::uint32_t length = 280;  // beyond one attention chunk, and four pages

class decoding : public testing::TestWithParam<decoder_case> {
 protected:
    // Logits of every row of a sequence that is fed in steps of these sizes, the last one again
    // and again.
    std::vector<float> fed(std::vector<std::uint32_t> sizes, std::vector<page_id> pages) {
        running_model running = start(GetParam().on, GetParam().spec);
        fed_sequence sequence{some_tokens(length, 5), std::move(pages)};
        std::vector<float> all;
        for (std::size_t step = 0; sequence.computed < length; ++step) {
            step_batch batch;
            const std::uint32_t size = sizes[std::min(step, sizes.size() - 1)];
            add_rows(batch, sequence, std::min(size, length - sequence.computed));
            batch.logit_rows.resize(batch.num_rows());
            std::iota(batch.logit_rows.begin(), batch.logit_rows.end(), 0u);
            const auto logits = running.logits(batch);
            all.insert(all.end(), logits.begin(), logits.end());
        }
        return all;
    }
};

const std::vector<page_id> in_order = {0, 1, 2, 3, 4};

TEST_P(decoding, is_the_same_in_one_step_in_chunks_and_token_by_token) {
    const auto whole = fed({length}, in_order);
    ASSERT_EQ(whole.size(), length * std::size_t(GetParam().spec.vocabulary));
    EXPECT_TRUE(fed({1}, in_order) == whole);
    EXPECT_TRUE(fed({64, 1, 63, 65, 70}, in_order) == whole);
    EXPECT_TRUE(fed({255, 2, 1}, in_order) == whole);
}

TEST_P(decoding, is_the_same_in_any_pages) {
    EXPECT_TRUE(fed({100}, {23, 4, 17, 0, 9}) == fed({100}, in_order));
}

TEST_P(decoding, is_the_same_beside_other_sequences) {
    const auto alone = fed({length}, in_order);
    running_model running = start(GetParam().on, GetParam().spec);
    fed_sequence sequence{some_tokens(length, 5), {5, 12, 7, 8, 9}};
    fed_sequence before{some_tokens(150, 77), {0, 1, 2}};
    fed_sequence after{some_tokens(70, 99), {20, 22}};
    const std::size_t width = GetParam().spec.vocabulary;
    std::vector<float> last;
    for (const std::uint32_t size : {130u, 149u, 1u}) {
        step_batch batch;
        add_rows(batch, before, 50);
        const auto row = static_cast<std::uint32_t>(batch.num_rows() + size - 1);
        add_rows(batch, sequence, size);
        add_rows(batch, after, after.computed == 0 ? 60 : 5);
        batch.logit_rows = {3, row, row + 2};
        const auto logits = running.logits(batch);
        ASSERT_EQ(logits.size(), 3 * width);
        last.assign(logits.begin() + std::ptrdiff_t(width), logits.end() - std::ptrdiff_t(width));
        const auto expected = alone.begin() + std::ptrdiff_t((sequence.computed - 1) * width);
        EXPECT_TRUE(std::equal(last.begin(), last.end(), expected)) << sequence.computed;
    }
}

TEST_P(decoding, gives_logits_of_the_rows_that_want_them_only) {
    const auto alone = fed({length}, in_order);
    running_model running = start(GetParam().on, GetParam().spec);
    fed_sequence sequence{some_tokens(length, 5), in_order};
    step_batch batch;
    add_rows(batch, sequence, 200);
    EXPECT_EQ(running.model->forward(batch, *running.kv).rows, 0u);
    batch.clear();
    add_rows(batch, sequence, 80);
    batch.logit_rows = {0, 79};
    const auto logits = running.logits(batch);
    const std::size_t width = GetParam().spec.vocabulary;
    ASSERT_EQ(logits.size(), 2 * width);
    const auto at = [&](std::size_t row) { return alone.begin() + std::ptrdiff_t(row * width); };
    EXPECT_TRUE(std::equal(logits.begin(), logits.begin() + std::ptrdiff_t(width), at(200)));
    EXPECT_TRUE(std::equal(logits.begin() + std::ptrdiff_t(width), logits.end(), at(279)));
}

TEST_P(decoding, of_an_empty_step_does_nothing) {
    running_model running = start(GetParam().on, GetParam().spec);
    EXPECT_EQ(running.model->forward({}, *running.kv).rows, 0u);
}

TEST_P(decoding, tells_its_stages_in_order_and_only_while_somebody_listens) {
    running_model running = start(GetParam().on, GetParam().spec);
    std::vector<std::string> told;
    running.model->tap([&](std::string_view stage, tensor) { told.emplace_back(stage); });
    fed_sequence sequence{some_tokens(length, 5), in_order};
    step_batch batch;
    add_rows(batch, sequence, 10);
    batch.logit_rows = {9};
    running.model->forward(batch, *running.kv);
    const std::vector<std::string> expected = {
        "model.embed_tokens",
        "model.layers.0.input_layernorm",
        "model.layers.0.self_attn.qkv",
        "model.layers.0.self_attn",
        "model.layers.0.post_attention_layernorm",
        "model.layers.0.mlp",
        "model.layers.0",
        "model.layers.1.input_layernorm",
        "model.layers.1.self_attn.qkv",
        "model.layers.1.self_attn",
        "model.layers.1.post_attention_layernorm",
        "model.layers.1.mlp",
        "model.norm",
        "lm_head",
    };
    EXPECT_EQ(told, expected);
    running.model->tap({});
    told.clear();
    batch.clear();
    add_rows(batch, sequence, 1);
    running.model->forward(batch, *running.kv);
    EXPECT_TRUE(told.empty());
}

INSTANTIATE_TEST_SUITE_P(models, decoding, testing::ValuesIn(decoder_cases()), [](const auto& of) {
    return of.param.on.name + "_" + of.param.name;
});

TEST(checkpoints, of_fp16_give_what_their_numbers_give_in_fp32) {
    const backend_row on = test_backends().front();
    const test::tiny_spec half{.type = test::tiny_type::f16, .key_bias = 64};
    running_model from_half = start(on, half);
    // The same numbers, written as fp32.
    const auto widened = [&] {
        const test::temporary_folder folder;
        auto tensors = test::tiny_tensors(half);
        for (test::tiny_tensor& tensor : tensors) {
            std::string wide;
            for (std::size_t i = 0; i < tensor.bytes.size(); i += 2) {
                const auto low = static_cast<unsigned char>(tensor.bytes[i]);
                const auto high = static_cast<unsigned char>(tensor.bytes[i + 1]);
                const unsigned bits = low | unsigned(high) << 8;
                const int exponent = static_cast<int>(bits >> 10 & 31);
                const auto fraction = static_cast<float>(bits & 1023);
                float value = exponent == 0 ? std::ldexp(fraction, -24)
                                            : std::ldexp(1024 + fraction, exponent - 25);
                if (bits & 0x8000) value = -value;
                wide.append(reinterpret_cast<const char*>(&value), sizeof value);
            }
            tensor.bytes = wide;
            tensor.type = "F32";
        }
        test::write_text(folder.path() / "config.json", test::tiny_config(half));
        test::write_weights(folder.path(), tensors, 2);
        running_model made;
        made.device = on.make();
        checkpoint weights = must(checkpoint::open(folder.path()));
        made.model = must(load_model(folder.path(), weights, *made.device, {}));
        EXPECT_TRUE(made.model->reserve(8, 8));
        made.kv = must(made.device->make_kv_store(
            2, test_pages, made.model->shape().attention, made.model->shape().type
        ));
        return made;
    };
    running_model from_single = widened();
    step_batch batch;
    fed_sequence sequence{some_tokens(8, 5), in_order};
    add_rows(batch, sequence, 8);
    batch.logit_rows = {0, 7};
    EXPECT_TRUE(from_half.logits(batch) == from_single.logits(batch));
}

TEST(checkpoints, in_shards_give_the_same_logits) {
    const backend_row on = test_backends().front();
    running_model single = start(on, {.seed = 21}), sharded = start(on, {.shards = 3, .seed = 21});
    step_batch batch;
    fed_sequence sequence{some_tokens(8, 5), in_order};
    add_rows(batch, sequence, 8);
    batch.logit_rows = {7};
    EXPECT_TRUE(single.logits(batch) == sharded.logits(batch));
}

}  // namespace
}  // namespace penstock::worker
