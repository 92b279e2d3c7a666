// The learned length of answers.
#include "policies/length/output_quantile.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace penstock::length {
namespace {

output_quantile of(std::uint64_t tokens, int answers) {
    output_quantile q;
    for (int i = 0; i < answers; ++i)
        q.learn(tokens);
    return q;
}

TEST(output_quantile, is_what_it_is_told_before_the_first_answer) {
    EXPECT_EQ(output_quantile{}.typical(256), 256u);
    EXPECT_EQ(output_quantile{}.typical(31), 31u);
}

TEST(output_quantile, leans_on_what_it_is_told_until_twenty_answers) {
    EXPECT_NEAR(of(4000, 10).typical(256), (4000 + 256) / 2, 700);
    EXPECT_EQ(of(4000, 20).typical(256), of(4000, 20).typical(9));
    EXPECT_NE(of(4000, 19).typical(256), of(4000, 19).typical(9));
}

TEST(output_quantile, is_within_a_half_octave_of_any_constant) {
    for (const std::uint64_t tokens : {1, 2, 3, 7, 16, 100, 255, 1000, 4096, 30'000, 900'000}) {
        const double said = of(tokens, 50).typical(256);
        EXPECT_GE(said, double(tokens) * 0.95) << tokens;
        EXPECT_LE(said, double(tokens) * 1.5) << tokens;
    }
    EXPECT_LE(of(0, 50).typical(256), 2u);
    EXPECT_LE(of(~std::uint64_t{0}, 50).typical(256), 1u << 20);
}

TEST(output_quantile, leaves_one_answer_in_ten_above) {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        std::mt19937_64 random(seed);
        std::lognormal_distribution<double> tokens(std::log(164), 0.8);
        output_quantile q;
        for (int i = 0; i < 2000; ++i)
            q.learn(static_cast<std::uint64_t>(tokens(random)));
        int above = 0;
        for (int i = 0; i < 2000; ++i)
            above += tokens(random) > q.typical(256);
        EXPECT_GT(above, 80) << seed;
        EXPECT_LT(above, 340) << seed;
    }
}

TEST(output_quantile, forgets) {
    output_quantile q = of(8000, 10'000);
    EXPECT_LT(q.num_answers(), 256u);
    for (int i = 0; i < 1500; ++i)
        q.learn(20);
    EXPECT_LT(q.typical(256), 30u);
}

TEST(output_quantile, fits_into_a_cache_line_and_a_bit) {
    EXPECT_LE(sizeof(output_quantile), 84u);
}

}  // namespace
}  // namespace penstock::length
