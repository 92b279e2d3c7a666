// Token estimate, expected output, and the cap of max_tokens.
#include "policies/length/cap.hpp"
#include "policies/length/estimate.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace penstock::length {
namespace {

openai::request_facts latin(std::uint32_t bytes) {
    openai::request_facts f;
    f.text.latin = bytes;
    return f;
}

struct measured {
    const char* what;
    openai::text_bytes text;
    std::uint32_t tokens;
};

// Bytes and tokens of real text by the tokenizers of Qwen 2.5 and XLM-RoBERTa.
TEST(estimate, holds_real_text_between_its_bounds) {
    const measured table[] = {
        {"English, Qwen", {.latin = 4700}, 1000},
        {"English, XLM-R", {.latin = 4600}, 1000},
        {"Python, Qwen", {.latin = 5070}, 1000},
        {"C++, Qwen", {.latin = 3350}, 1000},
        {"Russian, Qwen", {.latin = 470, .cyrillic = 5970}, 1000},
        {"Russian, XLM-R", {.latin = 590, .cyrillic = 7440}, 1000},
        {"Arabic, Qwen", {.latin = 400, .cyrillic = 3930}, 1000},
        {"Chinese, Qwen", {.cjk = 5460}, 1000},
        {"Japanese, XLM-R", {.cjk = 6000}, 1000},
        {"Korean, Qwen", {.latin = 300, .cjk = 4030}, 1000},
        {"emoji, Qwen", {.other = 3780}, 1000},
        {"tool schemas, Qwen", {.tools = 3460}, 1000},
        {"tool schemas, XLM-R", {.tools = 2320}, 1000},
        {"Hindi, XLM-R", {.latin = 1400, .cjk = 8400}, 1000},
        {"one letter repeated", {.latin = 8000}, 1000},
    };
    for (const measured& each : table) {
        openai::request_facts f;
        f.text = each.text;
        const estimate e = estimate_prompt(f);
        EXPECT_LE(e.at_least, each.tokens) << each.what;
        EXPECT_GE(e.tokens + e.error, each.tokens) << each.what;
    }
}

TEST(estimate, is_exact_for_token_ids) {
    openai::request_facts f;
    f.token_ids = 8191;
    const estimate e = estimate_prompt(f);
    EXPECT_EQ(e.tokens, 8191u);
    EXPECT_EQ(e.error, 0u);
    EXPECT_EQ(e.at_least, 8191u);
}

TEST(estimate, adds_messages_and_images_with_their_doubt) {
    openai::request_facts f = latin(400);
    const estimate text = estimate_prompt(f);
    f.num_messages = 4;
    f.num_images = 2;
    const estimate all = estimate_prompt(f);
    EXPECT_EQ(all.tokens, text.tokens + 4 * 5 + 2 * 800);
    EXPECT_GE(all.error, text.error + 2 * 700);
}

TEST(estimate, counts_no_byte_of_an_upload) {
    openai::request_facts f;
    f.body = openai::body_kind::multipart;
    f.num_audio = 25'000'000;
    EXPECT_EQ(estimate_prompt(f).tokens, 0u);
}

TEST(estimate, saturates_instead_of_wrapping) {
    openai::request_facts f;
    f.token_ids = std::numeric_limits<std::uint64_t>::max();
    EXPECT_EQ(estimate_prompt(f).tokens, std::numeric_limits<std::uint32_t>::max());
    f.n = 4'000'000'000;
    EXPECT_EQ(expected_output(f, 0), std::numeric_limits<std::uint32_t>::max());
}

TEST(estimate, takes_what_was_learned_of_the_model_and_keeps_the_certain_bound) {
    token_factors terse;
    for (int i = 0; i < 300; ++i)
        terse.learn(amounts_of(latin(6000)), 1000);
    const estimate e = estimate_prompt(latin(60'000), terse);
    EXPECT_NEAR(e.tokens, 10'000, 300);
    EXPECT_LT(e.error, 1000u);
    EXPECT_EQ(e.at_least, estimate_prompt(latin(60'000)).at_least);
}

TEST(expected_output, is_what_experience_says_below_the_limit) {
    openai::request_facts f;
    f.n = 2;
    EXPECT_EQ(expected_output(f, 0, 900), 1800u);
    EXPECT_EQ(expected_output(f, 100, 900), 200u);
    EXPECT_EQ(expected_output(f, 4000, 30), 60u);
}

TEST(expected_output, is_the_limit_or_the_default_times_n) {
    openai::request_facts f;
    EXPECT_EQ(expected_output(f, 0), 256u);
    EXPECT_EQ(expected_output(f, 10), 10u);
    EXPECT_EQ(expected_output(f, 4096), 256u);
    f.n = 3;
    EXPECT_EQ(expected_output(f, 100), 300u);
    f.work = openai::work_kind::one_shot;
    EXPECT_EQ(expected_output(f, 100), 0u);
}

TEST(cap, is_the_tightest_of_those_that_are_set) {
    EXPECT_EQ(tightest({0, 0, 0}), 0u);
    EXPECT_EQ(tightest({0, 500, 0}), 500u);
    EXPECT_EQ(tightest({400, 500, 300}), 300u);
}

TEST(cap, clamps_refuses_inserts_or_leaves) {
    using what = enum cap_choice::what;
    struct row {
        std::optional<std::uint64_t> asked;
        std::uint32_t cap;
        over_cap over;
        what then;
        std::uint32_t limit;
    };
    const row table[] = {
        {{}, 0, over_cap::clamp, what::leave, 0},
        {{}, 4096, over_cap::clamp, what::insert, 4096},
        {{}, 4096, over_cap::refuse, what::insert, 4096},
        {100, 0, over_cap::clamp, what::leave, 100},
        {100, 4096, over_cap::clamp, what::leave, 100},
        {4096, 4096, over_cap::refuse, what::leave, 4096},
        {4097, 4096, over_cap::clamp, what::clamp, 4096},
        {4097, 4096, over_cap::refuse, what::refuse, 4096},
        {std::uint64_t{1} << 40, 0, over_cap::clamp, what::leave, 0xffff'ffff},
    };
    for (const row& r : table) {
        const cap_choice c = apply_cap(r.asked, r.cap, r.over);
        EXPECT_EQ(c.what, r.then) << r.asked.value_or(0) << ' ' << r.cap;
        EXPECT_EQ(c.limit, r.limit) << r.asked.value_or(0) << ' ' << r.cap;
    }
}

}  // namespace
}  // namespace penstock::length
