// IEEE 754 bits by hand, so that it does not depend on what the compiler's target can do.
#include "worker/weights/widen.hpp"

#include <bit>
#include <cstdint>
#include <cstring>

namespace penstock::worker {

namespace {

float from_bf16(std::uint16_t bits) {
    return std::bit_cast<float>(std::uint32_t(bits) << 16);
}

float from_f16(std::uint16_t bits) {
    const std::uint32_t sign = std::uint32_t(bits & 0x8000u) << 16;
    const std::uint32_t exponent = bits >> 10 & 0x1fu;
    const std::uint32_t fraction = bits & 0x3ffu;
    if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | fraction << 13);
    if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;  // zero or subnormal
    return sign ? -magnitude : magnitude;
}

}  // namespace

std::vector<float> widen(std::span<const std::byte> bytes, dtype type) {
    std::vector<float> made(bytes.size() / size_of(type));
    if (type == dtype::f32) {
        if (!made.empty()) std::memcpy(made.data(), bytes.data(), made.size() * sizeof(float));
        return made;
    }
    for (std::size_t i = 0; i < made.size(); ++i) {
        std::uint16_t bits = 0;
        std::memcpy(&bits, bytes.data() + i * sizeof bits, sizeof bits);
        made[i] = type == dtype::bf16 ? from_bf16(bits) : from_f16(bits);
    }
    return made;
}

}  // namespace penstock::worker
