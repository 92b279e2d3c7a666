// Learning how many tokens a model makes of a byte.
#include "policies/length/token_factors.hpp"

#include "policies/length/voices.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace penstock::length {
namespace {

amounts latin(double bytes) {
    return {bytes};
}

// Bytes a token that the ranges allow, by kind; of messages: tokens.
constexpr double fewest[] = {1.0, 1.5, 1.5, 1.0, 1.2, 2.5};
constexpr double largest[] = {8, 10, 11, 8, 7, 20};

// A model with a tokenizer of its own, and clients who write in mixtures of scripts.
struct world {
    explicit world(std::uint64_t seed) : random(seed) {
        for (std::size_t i = 0; i < num_kinds; ++i) {
            const double chosen = std::exp(
                std::uniform_real_distribution(std::log(fewest[i]), std::log(largest[i]))(random)
            );
            truth[i] = i == static_cast<std::size_t>(kind::message) ? chosen : 1 / chosen;
        }
    }
    // Most prompts are of one kind or two.
    amounts prompt() {
        amounts of{};
        std::exponential_distribution<double> size(1 / 3000.0);
        for (std::size_t i = 0; i + 1 < num_kinds; ++i)
            if (random() % 3 == 0) of[i] = size(random);
        if (of == amounts{}) of[random() % 5] = size(random) + 20;
        of[5] = 1.0 + double(random() % 8);
        return of;
    }
    double tokens(const amounts& of, double noise = 0) {
        double sum = 0;
        for (std::size_t i = 0; i < num_kinds; ++i)
            sum += of[i] * truth[i];
        return sum * std::exp(std::normal_distribution<double>(0, noise)(random));
    }
    double median_error(const token_factors& learned) {
        std::vector<double> errors;
        for (int i = 0; i < 501; ++i) {
            const amounts of = prompt();
            errors.push_back(std::abs(learned.guess(of) / tokens(of) - 1));
        }
        std::nth_element(errors.begin(), errors.begin() + 250, errors.end());
        return errors[250];
    }

    std::mt19937_64 random;
    amounts truth{};
};

TEST(token_factors, are_todays_constants_before_anything_is_learned) {
    const token_factors fresh;
    EXPECT_FLOAT_EQ(1 / fresh.tokens_per(kind::latin), 4.0);
    EXPECT_FLOAT_EQ(1 / fresh.tokens_per(kind::two_byte), 5.0);
    EXPECT_FLOAT_EQ(1 / fresh.tokens_per(kind::three_byte), 4.5);
    EXPECT_FLOAT_EQ(1 / fresh.tokens_per(kind::four_byte), 4.0);
    EXPECT_FLOAT_EQ(1 / fresh.tokens_per(kind::tools), 3.4);
    EXPECT_FLOAT_EQ(fresh.tokens_per(kind::message), 5);
    EXPECT_EQ(fresh.error(), 0.5);
}

TEST(token_factors, come_within_a_tenth_after_five_hundred_requests_whatever_the_tokenizer) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        world w(seed);
        token_factors learned;
        for (int i = 0; i < 500; ++i) {
            const amounts of = w.prompt();
            learned.learn(of, w.tokens(of, 0.1));
        }
        EXPECT_LT(w.median_error(learned), 0.1) << "world " << seed;
    }
}

TEST(token_factors, know_how_wrong_they_are) {
    world w(7);
    token_factors learned;
    for (int i = 0; i < 3000; ++i) {
        const amounts of = w.prompt();
        learned.learn(of, w.tokens(of, 0.1));
    }
    int within = 0;
    for (int i = 0; i < 1000; ++i) {
        const amounts of = w.prompt();
        const double tokens = w.tokens(of, 0.1);
        within += std::abs(learned.guess(of) - tokens) <= learned.error() * tokens;
    }
    EXPECT_GT(within, 820);
    EXPECT_LT(within, 960);
}

TEST(token_factors, learn_one_kind_without_moving_another) {
    token_factors learned;
    for (int i = 0; i < 200; ++i)
        learned.learn(latin(7000), 1000);
    EXPECT_NEAR(1 / learned.tokens_per(kind::latin), 7.0, 0.1);
    EXPECT_FLOAT_EQ(1 / learned.tokens_per(kind::two_byte), 5.0);
}

TEST(token_factors, follow_a_model_that_was_exchanged) {
    token_factors learned;
    for (int i = 0; i < 5000; ++i)
        learned.learn(latin(3000), 1000);
    for (int i = 0; i < 100; ++i)
        learned.learn(latin(6000), 1000);
    EXPECT_NEAR(1 / learned.tokens_per(kind::latin), 6.0, 0.3);
}

TEST(token_factors, learn_nothing_from_what_no_factors_explain) {
    token_factors learned;
    for (const double absurd : {0.0, 1.0, 1e9, 1e18})
        for (int i = 0; i < 1000; ++i)
            learned.learn(latin(4000), absurd);
    learned.learn({}, 100);
    EXPECT_FLOAT_EQ(1 / learned.tokens_per(kind::latin), 4.0);
    EXPECT_EQ(learned.error(), 0.5);
}

TEST(token_factors, stay_in_their_ranges_whatever_is_said) {
    std::mt19937_64 random(3);
    token_factors learned;
    for (int i = 0; i < 20'000; ++i) {
        amounts of{};
        for (double& each : of)
            each = random() % 2 ? double(random() % 100'000) : 0;
        learned.learn(of, std::exp(double(random() % 4000) / 100));
        for (std::size_t k = 0; k < num_kinds; ++k) {
            amounts one{};
            one[k] = 1;
            const double factor = learned.tokens_per(static_cast<kind>(k));
            ASSERT_GE(factor, token_factors::least(one) * 0.999);
            ASSERT_LE(factor, token_factors::most(one) * 1.001);
        }
        ASSERT_GE(learned.error(), 0.01);
        ASSERT_LE(learned.error(), 1.0);
    }
}

TEST(token_factors, move_by_a_bounded_step_in_each_lesson) {
    token_factors learned;
    for (int i = 0; i < 100; ++i)
        learned.learn(latin(4000), 1000);
    const double before = learned.tokens_per(kind::latin);
    learned.learn(latin(4000), 4000);
    EXPECT_LE(learned.tokens_per(kind::latin), before * 1.016);
}

TEST(is_only_text, is_false_of_all_that_has_tokens_of_its_own) {
    openai::request_facts f;
    EXPECT_TRUE(is_only_text(f));
    f.num_images = 1;
    EXPECT_FALSE(is_only_text(f));
    f = {};
    f.num_audio = 1;
    EXPECT_FALSE(is_only_text(f));
    f = {};
    f.token_ids = 3;
    EXPECT_FALSE(is_only_text(f));
    f = {};
    f.body = openai::body_kind::multipart;
    EXPECT_FALSE(is_only_text(f));
}

TEST(voices, hear_a_lone_teacher_always) {
    voices all;
    for (int i = 0; i < 1000; ++i)
        ASSERT_TRUE(all.hears(5, true));
}

TEST(voices, hear_what_confirms_from_anybody) {
    voices all;
    for (int i = 0; i < 1000; ++i)
        ASSERT_TRUE(all.hears(i % 10 == 0, false));
}

// Part of all heard that are the loud one's, who surprises nine times where others confirm once.
double share_of_the_loud(int num_quiet) {
    voices all;
    for (int i = 0; i < 100; ++i)
        all.hears(1 + i % num_quiet, false);
    double loud = 0, quiet = 0;
    for (int i = 0; i < 20'000; ++i) {
        const bool is_loud = i % 10 > 0;
        const std::uint64_t tenant = is_loud ? 99 : 1 + i / 10 % num_quiet;
        if (all.hears(tenant, is_loud)) ++(is_loud ? loud : quiet);
    }
    return loud / (loud + quiet);
}

TEST(voices, give_a_loud_tenant_little_more_than_is_fair) {
    EXPECT_LT(share_of_the_loud(8), 0.40);
    EXPECT_LT(share_of_the_loud(3), 0.40);
    EXPECT_LT(share_of_the_loud(2), 0.48);
    EXPECT_LT(share_of_the_loud(1), 0.62);
}

TEST(voices, hear_two_tenants_in_turns) {
    voices all;
    for (int i = 0; i < 1000; ++i)
        ASSERT_TRUE(all.hears(1 + i % 2, true));
}

TEST(voices, silence_nobody_for_good) {
    voices all;
    for (int i = 0; i < 8; ++i)
        all.hears(i < 7 ? 1 : 2, false);
    int heard = 0;
    for (int i = 0; i < 320; ++i)
        heard += all.hears(1, true);
    EXPECT_GE(heard, 10);
}

}  // namespace
}  // namespace penstock::length
