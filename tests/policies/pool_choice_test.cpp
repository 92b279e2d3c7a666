// Which pools a request may use, by length, class, tenant, cap and what its conversation had.
#include "policies/length/pool_choice.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <vector>

namespace penstock::length {
namespace {

constexpr pool_index small{4}, middle{5}, large{6};

std::vector<pool_terms> three_pools() {
    return {{small, 8192}, {middle, 32'768}, {large, 131'072}};
}

pool_question of(std::uint32_t tokens, std::uint32_t error = 0) {
    return {.prompt = {.tokens = tokens, .error = error, .at_least = tokens - error}};
}

pool_question asking(std::uint32_t tokens, std::uint64_t max_tokens) {
    pool_question q = of(tokens);
    q.asked = max_tokens;
    return q;
}

pool_index first(const pool_choice& choice) {
    return choice.pools.empty() ? pool_index{} : choice.pools.items[0];
}
pool_index first(const pool_question& asks) {
    return first(choose_pools(three_pools(), asks));
}

std::vector<pool_index> all(const pool_choice& choice) {
    return {choice.pools.begin(), choice.pools.end()};
}

using pools = std::vector<pool_index>;

TEST(pool_choice, takes_the_smallest_that_holds_prompt_and_answer) {
    EXPECT_EQ(first(of(0)), small);
    EXPECT_EQ(first(of(8192)), small);
    EXPECT_EQ(first(of(8193)), middle);
    EXPECT_EQ(first(asking(8000, 192)), small);
    EXPECT_EQ(first(asking(8000, 193)), middle);
    EXPECT_EQ(first(asking(32'768, 1)), large);
}

TEST(pool_choice, counts_the_expected_answer_where_nothing_limits_it) {
    pool_question q = of(8000);
    q.output_each = 192;
    EXPECT_EQ(first(q), small);
    q.output_each = 193;
    EXPECT_EQ(first(q), middle);
    q.asked = 100;
    EXPECT_EQ(first(q), small) << "what it asks for is all that it may have";
    q.asked.reset();
    q.makes_tokens = false;
    EXPECT_EQ(first(q), small) << "an embedding has no answer";
}

TEST(pool_choice, adds_the_doubt_of_the_estimate_up_to_a_tenth) {
    EXPECT_EQ(first(of(8000, 192)), small);
    EXPECT_EQ(first(of(8000, 193)), middle);
    EXPECT_EQ(first(of(7440, 3700)), small);
    EXPECT_EQ(first(of(7460, 3700)), middle);
}

TEST(pool_choice, may_spill_into_larger_pools_and_never_into_a_smaller) {
    EXPECT_EQ(all(choose_pools(three_pools(), of(1))), (pools{small, middle, large}));
    EXPECT_EQ(all(choose_pools(three_pools(), of(20'000))), (pools{middle, large}));
    EXPECT_EQ(all(choose_pools(three_pools(), of(100'000))), (pools{large}));
}

TEST(pool_choice, refuses_only_what_is_too_long_for_certain) {
    EXPECT_EQ(first(of(200'000, 68'928)), large);
    EXPECT_EQ(first(asking(131'072, 4096)), large);
    const pool_choice choice = choose_pools(three_pools(), of(200'000, 68'927));
    EXPECT_TRUE(choice.pools.empty());
    EXPECT_EQ(choice.why, errc::context_length_exceeded);
    EXPECT_EQ(choice.largest, 131'072u);
    EXPECT_FALSE(choice.others_are_reserved);
    EXPECT_EQ(choose_pools(three_pools(), of(131'073)).why, errc::context_length_exceeded);
}

TEST(pool_choice, sees_inputs_of_a_list_one_by_one) {
    pool_question batch = of(800'000);
    batch.prompt.inputs = 100;
    EXPECT_EQ(first(batch), small);
}

TEST(pool_choice, gives_a_pool_without_stated_context_anything) {
    const pool_terms open[] = {{{1}, 8192}, {{2}, 0}};
    EXPECT_EQ(first(choose_pools(open, of(9000))), pool_index{2});
    EXPECT_EQ(first(choose_pools(open, of(4'000'000'000))), pool_index{2});
}

TEST(pool_choice, clamps_to_the_pools_cap_before_it_looks_whether_the_answer_fits) {
    auto terms = three_pools();
    terms[0].max_tokens = 1000;
    EXPECT_EQ(first(choose_pools(terms, asking(7000, 30'000))), small);
    EXPECT_EQ(first(choose_pools(terms, asking(7193, 20'000))), middle);
    EXPECT_EQ(first(choose_pools(terms, of(7192))), small);
    EXPECT_EQ(first(choose_pools(terms, of(7193))), middle) << "the cap is asked for";
    pool_question capped = asking(7193, 30'000);
    capped.cap = 500;
    EXPECT_EQ(first(choose_pools(terms, capped)), small);
}

TEST(pool_choice, passes_over_pools_that_give_too_little_where_nothing_is_clamped) {
    auto terms = three_pools();
    terms[0].max_tokens = 1000;
    terms[1].max_tokens = 2000;
    terms[2].max_tokens = 1500;
    const auto strict = [&](std::uint64_t asked) {
        pool_question q = asking(100, asked);
        q.over_cap = over_cap::refuse;
        return choose_pools(terms, q);
    };
    EXPECT_EQ(all(strict(1000)), (pools{small, middle, large}));
    EXPECT_EQ(all(strict(1001)), (pools{middle, large}));
    EXPECT_EQ(all(strict(1501)), (pools{middle}));
    EXPECT_EQ(strict(2001).why, errc::over_cap);
    EXPECT_EQ(strict(2001).most_output, 2000u);
}

TEST(pool_choice, does_not_see_pools_that_are_reserved_for_others) {
    auto terms = three_pools();
    terms[0].classes.add(static_cast<std::uint32_t>(request_class::realtime));
    terms[2].tenants.add(7);
    pool_question q = of(100);
    q.tenant = {3};
    EXPECT_EQ(all(choose_pools(terms, q)), (pools{small, middle}));
    q.klass = request_class::bulk;
    EXPECT_EQ(all(choose_pools(terms, q)), (pools{middle}));
    q.tenant = {7};
    EXPECT_EQ(all(choose_pools(terms, q)), (pools{middle, large}));

    q = of(40'000);
    q.tenant = {3};
    const pool_choice too_long = choose_pools(terms, q);
    EXPECT_EQ(too_long.why, errc::context_length_exceeded);
    EXPECT_EQ(too_long.largest, 32'768u);
    EXPECT_TRUE(too_long.others_are_reserved);
}

TEST(pool_choice, says_that_all_pools_are_reserved) {
    auto terms = three_pools();
    for (auto& each : terms)
        each.tenants.add(7);
    pool_question q = of(100);
    q.tenant = {3};
    EXPECT_EQ(choose_pools(terms, q).why, errc::model_not_allowed);
    EXPECT_EQ(choose_pools({}, q).why, errc::model_not_allowed);
}

pool_question continued(
    std::uint32_t tokens, std::uint32_t last_prompt, std::uint32_t last_context, bool session = true
) {
    pool_question q = of(tokens);
    q.last = {.prompt = last_prompt, .context = last_context, .is_known = true};
    q.is_session = session;
    return q;
}

TEST(pool_choice, promotes_a_conversation_at_nine_tenths_of_its_context) {
    EXPECT_EQ(first(continued(7372, 7000, 8192)), small);
    EXPECT_EQ(first(continued(7373, 7000, 8192)), middle);
    EXPECT_EQ(first(of(7373)), small) << "a new one may fill it";
}

TEST(pool_choice, keeps_a_conversation_that_has_outgrown_a_pool_out_of_it) {
    EXPECT_EQ(first(continued(100, 9000, 32'768)), middle);
    EXPECT_EQ(all(choose_pools(three_pools(), continued(100, 9000, 131'072))), (pools{large}));
}

TEST(pool_choice, holds_a_prompt_that_only_begins_alike_to_nothing) {
    EXPECT_EQ(first(continued(6749, 9000, 32'768, false)), small);
    EXPECT_EQ(first(continued(6750, 9000, 32'768, false)), middle) << "it has grown, or nearly";
}

TEST(pool_choice, keeps_a_conversation_of_a_pool_that_is_gone_in_the_largest) {
    EXPECT_EQ(first(continued(100, 100, 1'000'000)), large);
    EXPECT_EQ(first(continued(100, 100, 0)), large);
    EXPECT_EQ(first(continued(100, 100, 4096)), small);
}

TEST(pool_choice, is_never_smaller_for_a_longer_prompt) {
    std::mt19937_64 random(5);
    for (int i = 0; i < 20'000; ++i) {
        auto terms = three_pools();
        for (auto& each : terms)
            each.max_tokens = random() % 2 ? 0 : 1 + random() % 5000;
        pool_question q = of(random() % 150'000);
        q.prompt.at_least = 0;
        if (random() % 2) q.asked = random() % 10'000;
        if (random() % 2)
            q.last = {
                .prompt = static_cast<std::uint32_t>(random() % 150'000),
                .context = terms[random() % 3].context,
                .is_known = true
            };
        q.is_session = random() % 2;
        const pool_choice shorter = choose_pools(terms, q);
        q.prompt.tokens += random() % 20'000;
        const pool_choice longer = choose_pools(terms, q);
        ASSERT_FALSE(shorter.pools.empty());
        ASSERT_LE(first(shorter), first(longer));
    }
}

}  // namespace
}  // namespace penstock::length
