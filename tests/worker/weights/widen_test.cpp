// bf16 and fp16 to fp32.
#include "worker/weights/widen.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

namespace penstock::worker {
namespace {

float widened(std::uint16_t bits, dtype type) {
    return widen(std::as_bytes(std::span(&bits, 1)), type).at(0);
}

TEST(widen, keeps_every_finite_fp16) {
    for (unsigned bits = 0; bits < 0x7c00; ++bits) {
        const int exponent = static_cast<int>(bits >> 10);
        const double fraction = bits & 0x3ff;
        const double value =
            exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
        ASSERT_EQ(widened(static_cast<std::uint16_t>(bits), dtype::f16), value);
        ASSERT_EQ(widened(static_cast<std::uint16_t>(bits | 0x8000), dtype::f16), -value);
    }
    EXPECT_TRUE(std::signbit(widened(0x8000, dtype::f16)));
}

TEST(widen, keeps_infinities_and_what_is_no_number) {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    EXPECT_EQ(widened(0x7c00, dtype::f16), infinity);
    EXPECT_EQ(widened(0xfc00, dtype::f16), -infinity);
    EXPECT_TRUE(std::isnan(widened(0x7e01, dtype::f16)));
    EXPECT_EQ(widened(0x7f80, dtype::bf16), infinity);
    EXPECT_TRUE(std::isnan(widened(0x7fc0, dtype::bf16)));
}

TEST(widen, takes_bf16_as_the_upper_half_of_fp32) {
    EXPECT_EQ(widened(0x3f80, dtype::bf16), 1.0f);
    EXPECT_EQ(widened(0xc2f7, dtype::bf16), -123.5f);
    EXPECT_EQ(widened(0x0001, dtype::bf16), std::ldexp(1.0f, -133));
}

TEST(widen, leaves_fp32_as_it_is) {
    const std::vector<float> numbers = {1.5f, -0.0f, 1e-42f};
    EXPECT_EQ(widen(std::as_bytes(std::span(numbers)), dtype::f32), numbers);
    EXPECT_TRUE(widen({}, dtype::f32).empty());
}

}  // namespace
}  // namespace penstock::worker
