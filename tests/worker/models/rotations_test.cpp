// Frequencies, YaRN and the tables of cosines and sines.
#include "worker/models/rotations.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace penstock::worker {
namespace {

constexpr std::uint32_t qwen_head = 128;

rotation_config plain(double base) {
    rotation_config made;
    made.base = base;
    return made;
}

rotation_config qwen_yarn() {
    rotation_config made = plain(1e6);
    made.yarn = yarn_config{};
    made.yarn->factor = 4;
    made.yarn->original_positions = 32768;
    return made;
}

void expect_close(double is, double should) {
    EXPECT_NEAR(is / should, 1, 2e-7) << is << " and " << should;
}

TEST(rotations, have_frequencies_of_powers_of_the_base) {
    const auto frequencies = frequencies_of(plain(1e6), qwen_head);
    ASSERT_EQ(frequencies.inverse.size(), 64u);
    EXPECT_EQ(frequencies.attention_factor, 1.0f);
    for (std::size_t i = 0; i < 64; ++i)
        expect_close(frequencies.inverse[i], std::pow(1e6, -double(i) / 64));
    EXPECT_EQ(frequencies.inverse[0], 1.0f);
}

// As `_compute_yarn_parameters` of transformers 5.24 gives them.
TEST(yarn, has_the_known_frequencies_of_qwen) {
    const auto frequencies = frequencies_of(qwen_yarn(), qwen_head);
    expect_close(frequencies.attention_factor, 1.138629436111989);
    expect_close(frequencies.inverse[22], 8.659643121e-03);
    expect_close(frequencies.inverse[24], 5.375321489e-03);
    expect_close(frequencies.inverse[31], 8.029597811e-04);
    expect_close(frequencies.inverse[63], 3.102344408e-07);
}

TEST(yarn, leaves_fast_dimensions_and_stretches_slow_ones) {
    const auto stretched = frequencies_of(qwen_yarn(), qwen_head);
    const auto trained = frequencies_of(plain(1e6), qwen_head);
    for (std::size_t i = 0; i <= 23; ++i)  // low
        EXPECT_EQ(stretched.inverse[i], trained.inverse[i]);
    for (std::size_t i = 40; i < 64; ++i)  // high
        expect_close(stretched.inverse[i], trained.inverse[i] / 4);
    for (std::size_t i = 24; i < 40; ++i) {
        EXPECT_LT(stretched.inverse[i], trained.inverse[i]);
        EXPECT_GT(stretched.inverse[i], trained.inverse[i] / 4);
    }
}

TEST(yarn, takes_its_attention_factor_from_whatever_is_given) {
    const auto factor_of = [](auto change) {
        rotation_config config = qwen_yarn();
        change(*config.yarn);
        return frequencies_of(config, qwen_head).attention_factor;
    };
    EXPECT_EQ(factor_of([](yarn_config& yarn) { yarn.attention_factor = 1.5; }), 1.5f);
    EXPECT_EQ(
        factor_of([](yarn_config& yarn) {
            yarn.attention_factor = 1.5;
            yarn.mscale = yarn.mscale_all_dim = 2.0;
        }),
        1.5f
    );
    const double log4 = std::log(4.0);
    EXPECT_FLOAT_EQ(
        factor_of([](yarn_config& yarn) {
            yarn.mscale = 1.0;
            yarn.mscale_all_dim = 0.5;
        }),
        static_cast<float>((0.1 * log4 + 1) / (0.05 * log4 + 1))
    );
    // One of the pair, or a zero, does not count.
    const auto usual = static_cast<float>(0.1 * log4 + 1);
    EXPECT_EQ(factor_of([](yarn_config& yarn) { yarn.mscale = 2.0; }), usual);
    EXPECT_EQ(
        factor_of([](yarn_config& yarn) {
            yarn.mscale = 2.0;
            yarn.mscale_all_dim = 0.0;
        }),
        usual
    );
    EXPECT_EQ(factor_of([](yarn_config& yarn) { yarn.factor = 1; }), 1.0f);
}

TEST(yarn, may_have_a_ramp_between_fractions_of_dimensions) {
    rotation_config config = qwen_yarn();
    config.yarn->truncate = false;
    const auto frequencies = frequencies_of(config, qwen_head);
    const auto trained = frequencies_of(plain(1e6), qwen_head);
    // c(32) = 23.5959, c(1) = 39.6509
    EXPECT_EQ(frequencies.inverse[23], trained.inverse[23]);
    const double share = (24 - 23.5959) / (39.6509 - 23.5959);
    const double should = trained.inverse[24] * (1 - share) + trained.inverse[24] / 4 * share;
    EXPECT_NEAR(frequencies.inverse[24] / should, 1, 1e-5);
    expect_close(frequencies.inverse[40], trained.inverse[40] / 4);
}

TEST(yarn, survives_a_ramp_without_width) {
    rotation_config config = qwen_yarn();
    config.yarn->original_positions = 1;  // every dimension turns less than once
    for (const float inverse : frequencies_of(config, qwen_head).inverse)
        EXPECT_TRUE(std::isfinite(inverse) && inverse > 0);
}

TEST(rotation_tables, round_angles_to_fp32_before_the_cosine) {
    const auto frequencies = frequencies_of(plain(1e6), qwen_head);
    const std::uint32_t position = 100'003;
    const auto tables = tabulate(frequencies, position + 1);
    ASSERT_EQ(tables.cosines.size(), (position + 1) * std::size_t(64));
    bool differs = false;
    for (std::size_t i = 0; i < 64; ++i) {
        const float angle = static_cast<float>(position) * frequencies.inverse[i];
        const std::size_t at = position * std::size_t(64) + i;
        EXPECT_NEAR(tables.cosines[at], std::cos(double(angle)), 1e-7);
        EXPECT_NEAR(tables.sines[at], std::sin(double(angle)), 1e-7);
        const double exact = position * double(frequencies.inverse[i]);
        differs = differs || std::fabs(std::sin(exact) - tables.sines[at]) > 1e-3;
    }
    EXPECT_TRUE(differs) << "a double angle gives other values here";
}

TEST(rotation_tables, are_scaled_by_the_attention_factor) {
    rotation_frequencies frequencies;
    frequencies.inverse = {1.0f, 0.5f};
    frequencies.attention_factor = 1.25f;
    const auto tables = tabulate(frequencies, 3);
    EXPECT_EQ(tables.cosines[0], 1.25f);
    EXPECT_EQ(tables.sines[1], 0.0f);
    EXPECT_FLOAT_EQ(tables.cosines[4], 1.25f * std::cos(2.0f));
    EXPECT_FLOAT_EQ(tables.sines[5], 1.25f * std::sin(1.0f));
}

}  // namespace
}  // namespace penstock::worker
