// The upper half of a float: its sign, exponent and first seven bits of fraction.
#pragma once

#include <bit>
#include <cstdint>

namespace penstock::worker {

struct bf16 {
    std::uint16_t bits = 0;
};

constexpr float widen(bf16 x) noexcept {
    return std::bit_cast<float>(std::uint32_t(x.bits) << 16);
}

constexpr float widen(float x) noexcept {
    return x;
}

template <class Number>
constexpr Number narrow(float x) noexcept;

template <>
constexpr float narrow<float>(float x) noexcept {
    return x;
}

// The nearest, the even one of two. What is not a number stays none.
template <>
constexpr bf16 narrow<bf16>(float x) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return {std::uint16_t((bits >> 16) | 0x40u)};
    return {std::uint16_t((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16)};
}

// Half precision as it stands in a checkpoint; nothing is lost.
constexpr float widen_half(std::uint16_t half) noexcept {
    const std::uint32_t sign = std::uint32_t(half & 0x8000u) << 16;
    const std::uint32_t exponent = (half >> 10) & 31u, fraction = half & 0x3ffu;
    if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | fraction << 13);
    if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112u) << 23 | fraction << 13);
    const float tiny = float(fraction) * 0x1p-24f;  // subnormal, or zero
    return sign ? -tiny : tiny;
}

}  // namespace penstock::worker
