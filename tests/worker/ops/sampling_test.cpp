// The choice of a token: which may be chosen, how often, and that nothing else decides.
#include "bench_of_ops.hpp"
#include "sampling_reference.hpp"
#include "worker/ops/cpu/heaviest.hpp"
#include "worker/ops/cpu/logarithm.hpp"
#include "worker/ops/cpu/philox.hpp"

#include <gmock/gmock.h>

#include <set>

namespace penstock::worker {
namespace {

using testing::ElementsAre;

sampled_token choose(backend& device, numbers logits, const sampling_row& row) {
    sampled_token chosen;
    device.sample(view(logits, logits.size()), {&row, 1}, {&chosen, 1});
    return chosen;
}

// Draws `count` tokens by as many seeds.
std::map<token_id, std::size_t> draws(
    backend& device, const numbers& logits, sampling_row row, std::size_t count
) {
    std::map<token_id, std::size_t> seen;
    std::vector<sampling_params> params(count, *row.params);
    std::vector<sampling_row> rows(count, row);
    for (std::size_t i = 0; i < count; ++i) {
        params[i].seed = 1000 + i;
        rows[i].params = &params[i];
        rows[i].row = 0;
    }
    std::vector<sampled_token> chosen(count);
    numbers copy = logits;
    device.sample(view(copy, copy.size()), rows, chosen);
    for (const auto& token : chosen)
        ++seen[token.id];
    return seen;
}

TEST(philox, is_the_generator_of_the_paper) {
    // The known answers that come with Random123.
    EXPECT_EQ(
        philox({0, 0, 0, 0}, 0), (philox_block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8})
    );
    EXPECT_EQ(
        philox({~0u, ~0u, ~0u, ~0u}, ~std::uint64_t(0)),
        (philox_block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd})
    );
    EXPECT_EQ(
        philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822),
        (philox_block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1})
    );
}

TEST(logarithm, is_right_to_the_last_places) {
    for (double x = 0x1p-40; x < 0x1p40; x *= 1.0137)
        ASSERT_NEAR(natural_logarithm(x), std::log(x), 2e-15 * (1 + std::abs(std::log(x))));
    for (double rest = 0x1p-33; rest < 0.1; rest *= 1.7) {
        const double x = 1 - rest;
        ASSERT_NEAR(natural_logarithm(x) / std::log1p(x - 1), 1, 1e-14);
    }
}

TEST(heaviest, are_those_that_sorting_gives) {
    std::mt19937 engine(1);
    for (int trial = 0; trial < 300; ++trial) {
        // Few different scores, so that there are ties; masses by score.
        std::vector<candidate> candidates;
        std::uint64_t total = 0;
        for (int i = 0; i < 200; ++i) {
            const int step = std::uniform_int_distribution(-20, 20)(engine);
            const float score = float(step) * (trial % 3 ? 0.37f : 1e-30f);
            candidates.push_back({score, token_id(i), trial % 2 ? 1u : 1u << (step + 20) / 4});
            total += candidates.back().mass;
        }
        const auto target = std::uniform_int_distribution<std::uint64_t>(1, total + 5)(engine);
        auto sorted = candidates;
        std::ranges::stable_sort(sorted, std::ranges::greater(), &candidate::score);
        std::uint64_t sum = 0;
        std::set<token_id> wanted, kept;
        for (std::size_t i = 0; i < sorted.size() && sum < target; ++i) {
            wanted.insert(sorted[i].id);
            sum += sorted[i].mass;
        }
        keep_heaviest(candidates, target);
        for (const candidate& c : candidates)
            kept.insert(c.id);
        ASSERT_EQ(kept, wanted) << trial;
        ASSERT_TRUE(std::ranges::is_sorted(candidates, {}, &candidate::id));
    }
}

TEST(sampling, without_temperature_is_the_largest_logit_of_the_lowest_id) {
    auto device = open(1);
    const sampling_params greedy{.temperature = 0, .top_k = 3, .top_p = 0.1f};
    EXPECT_EQ(choose(*device, {1, 5, 2, 5}, {.params = &greedy, .vocabulary = 4}).id, 1);
    EXPECT_EQ(choose(*device, {-0.0f, 0, -1}, {.params = &greedy, .vocabulary = 3}).id, 0);
    EXPECT_EQ(choose(*device, {1, 5, 9, 9}, {.params = &greedy, .vocabulary = 2}).id, 1);
}

TEST(sampling, reads_what_is_no_number_as_impossible) {
    auto device = open(1);
    for (const float temperature : {0.0f, 1.0f}) {
        const sampling_params p{.temperature = temperature};
        const sampling_row row{.params = &p, .vocabulary = 4, .logprobs = true};
        EXPECT_EQ(choose(*device, {NAN, -INFINITY, -3, NAN}, row).id, 2);
        EXPECT_EQ(choose(*device, {1, INFINITY, 3, 2}, row).id, 1);
        const token_id forbidden[] = {0, 1};
        sampling_row masked = row;
        masked.forbidden = forbidden;
        const auto chosen = choose(*device, {1, 2, NAN, -INFINITY}, masked);
        EXPECT_EQ(chosen.id, 2);
        EXPECT_TRUE(std::isfinite(chosen.logprob));
        EXPECT_TRUE(std::isfinite(choose(*device, {NAN, NAN, NAN, NAN}, row).logprob));
    }
}

TEST(sampling, a_tiny_temperature_is_nearly_none) {
    auto device = open(1);
    for (const float temperature : {1e-3f, 1e-20f, 1e-44f}) {
        const sampling_params p{.temperature = temperature, .seed = 5};
        EXPECT_EQ(choose(*device, {3, 8, 7.5f, 1}, {.params = &p, .vocabulary = 4}).id, 1);
    }
}

struct restriction {
    const char* what;
    sampling_params params;
};

TEST(sampling, draws_exactly_the_tokens_that_a_sort_would_leave) {
    auto device = open(2);
    const restriction table[] = {
        {"top-k", {.top_k = 5}},
        {"top-k of one", {.top_k = 1}},
        {"top-p", {.temperature = 0.7f, .top_p = 0.8f}},
        {"small top-p", {.top_p = 0.01f}},
        {"min-p", {.min_p = 0.2f}},
        {"all", {.temperature = 1.3f, .top_k = 12, .top_p = 0.9f, .min_p = 0.05f}},
        {"none", {}},
    };
    for (const auto& [what, params] : table) {
        numbers logits = random_numbers(40, 3, 2);
        logits[7] = logits[20] = logits[33];  // ties
        const sampling_row row{.params = &params, .vocabulary = 38};
        const auto wanted = drawable(logits, row);
        const std::size_t count = 20'000;
        const auto seen = draws(*device, logits, row, count);
        // Pearson's test; 1 of a million such sums is above mean + 6 deviations.
        double chi = 0;
        for (const auto& [id, times] : seen)
            ASSERT_TRUE(wanted.contains(id)) << what << " " << id;
        for (const auto& [id, p] : wanted) {
            const double expected = p * count;
            const double got = seen.contains(id) ? double(seen.at(id)) : 0;
            ASSERT_TRUE(expected < 15 || got > 0) << what << " " << id;
            chi += (got - expected) * (got - expected) / std::max(expected, 1.0);
        }
        const double freedom = double(wanted.size());
        EXPECT_LT(chi, freedom + 6 * std::sqrt(2 * freedom) + 6) << what;
    }
}

TEST(sampling, bias_penalties_and_masks_come_in_their_order) {
    auto device = open(1);
    std::mt19937 engine(4);
    for (unsigned trial = 0; trial < 200; ++trial) {
        const numbers logits = random_numbers(30, 100 + trial, 3);
        const std::vector<token_bias> bias{{3, 2.5f}, {17, -100}, {8, 100}, {20, 1}};
        const std::vector<token_count> seen{
            {3, 1, 0}, {4, 0, 2}, {8, 2, 5}, {20, 0, 1}, {29, 3, 0}
        };
        const std::vector<token_id> forbidden{8, 5, 11};
        const sampling_params p{
            .temperature = 0,
            .repetition_penalty = 1 + float(trial % 5) * 0.3f,
            .frequency_penalty = float(trial % 7) * 0.4f - 1,
            .presence_penalty = float(trial % 3) * 0.9f,
        };
        const sampling_row row{
            .params = &p, .bias = bias, .seen = seen, .forbidden = forbidden, .vocabulary = 28
        };
        const auto scores = adjusted_scores(logits, row);
        const auto best = std::ranges::max_element(scores) - scores.begin();
        ASSERT_EQ(choose(*device, logits, row).id, best) << trial;
    }
}

TEST(sampling, a_seed_decides_whoever_else_is_there) {
    constexpr std::size_t vocabulary = 500, batch = 9;
    numbers logits = random_numbers(batch * vocabulary, 5, 2);
    std::vector<token_id> alone;
    auto one = open(1);
    for (std::uint32_t index = 0; index < 40; ++index) {
        const sampling_params p{.top_p = 0.95f, .seed = 77};
        const sampling_row row{.index = index, .params = &p, .vocabulary = vocabulary};
        alone.push_back(choose(*one, {logits.begin(), logits.begin() + vocabulary}, row).id);
    }
    EXPECT_GT(std::set(alone.begin(), alone.end()).size(), 10u);  // the index matters
    for (const unsigned threads : {1u, 2u, 7u}) {
        auto device = open(threads);
        for (std::uint32_t index = 0; index < 40; ++index) {
            std::vector<sampling_params> params(batch);
            std::vector<sampling_row> rows(batch);
            std::vector<sampled_token> out(batch);
            for (std::uint32_t i = 0; i < batch; ++i) {
                params[i] = {.temperature = float(i) * 0.3f, .top_k = i, .seed = i};
                rows[i] = {.row = i, .index = i, .params = &params[i], .vocabulary = vocabulary};
            }
            const std::size_t place = index % batch;
            params[place] = {.top_p = 0.95f, .seed = 77};
            rows[place] = {
                .row = 0, .index = index, .params = &params[place], .vocabulary = vocabulary
            };
            device->sample(view(logits, vocabulary), rows, out);
            ASSERT_EQ(out[place].id, alone[index]);
        }
    }
}

// Skipping tokens that cannot win must not change who wins.
TEST(sampling, is_the_largest_sum_of_score_and_noise) {
    auto device = open(1);
    constexpr std::size_t vocabulary = 3000;
    for (std::uint32_t index = 0; index < 50; ++index) {
        const numbers logits = random_numbers(vocabulary, index, index % 2 ? 8 : 0.5f);
        const sampling_params p{.temperature = 0.9f, .seed = 0x1234567890abcdef};
        const float largest = *std::ranges::max_element(logits);
        double best = -INFINITY;
        token_id wanted = 0;
        for (std::uint32_t id = 0; id < vocabulary; ++id) {
            const std::uint32_t random = philox({id / 4, index, 0, 0}, p.seed)[id % 4];
            const double noise = -std::log(-std::log((random + 0.5) / 4294967296.0));
            const double sum = double((logits[id] - largest) / p.temperature) + noise;
            if (sum > best) {
                best = sum;
                wanted = token_id(id);
            }
        }
        const sampling_row row{.index = index, .params = &p, .vocabulary = vocabulary};
        ASSERT_EQ(choose(*device, logits, row).id, wanted) << index;
    }
}

TEST(logprobs, are_of_the_raw_logits) {
    auto device = open(1);
    const numbers logits{1, 3, 2, 3, -1, 9};
    const token_id forbidden[] = {1};
    const token_bias bias[] = {{4, 50}};
    const sampling_params p{.temperature = 0.5f, .top_k = 1};
    const sampling_row row{
        .params = &p,
        .bias = bias,
        .forbidden = forbidden,
        .vocabulary = 5,  // id 5 has no text but its share of the softmax
        .logprobs = true,
        .top_logprobs = 3,
    };
    const auto chosen = choose(*device, logits, row);
    EXPECT_EQ(chosen.id, 4);
    double total = 0;
    for (const float logit : logits)
        total += std::exp(double(logit));
    EXPECT_NEAR(chosen.logprob, -1 - std::log(total), 1e-6);
    std::vector<token_id> ids;
    for (const auto& [id, logprob] : chosen.top) {
        ids.push_back(id);
        EXPECT_NEAR(logprob, logits[std::size_t(id)] - std::log(total), 1e-6);
    }
    EXPECT_THAT(ids, ElementsAre(1, 3, 2));
}

TEST(logprobs, are_given_only_when_asked_for) {
    auto device = open(1);
    const sampling_params p;
    const auto quiet = choose(*device, {1, 2}, {.params = &p, .vocabulary = 2});
    EXPECT_EQ(quiet.logprob, 0);
    EXPECT_TRUE(quiet.top.empty());
    const auto few = choose(*device, {1, 2}, {.params = &p, .vocabulary = 2, .top_logprobs = 20});
    EXPECT_EQ(few.top.size(), 2u);
}

TEST(logprobs, sum_to_one_over_a_large_vocabulary) {
    auto device = open(1);
    const numbers logits = random_numbers(151'936, 6, 3);
    const sampling_params p{.seed = 3};
    const sampling_row row{
        .params = &p, .vocabulary = 151'936, .logprobs = true, .top_logprobs = 20
    };
    const auto chosen = choose(*device, logits, row);
    double total = 0;
    for (const float logit : logits)
        total += std::exp(double(logit));
    EXPECT_NEAR(chosen.logprob, logits[std::size_t(chosen.id)] - std::log(total), 2e-6);
    ASSERT_EQ(chosen.top.size(), 20u);
    for (std::size_t i = 1; i < 20; ++i)
        EXPECT_GE(chosen.top[i - 1].logprob, chosen.top[i].logprob);
}

}  // namespace
}  // namespace penstock::worker
