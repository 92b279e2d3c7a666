// Four floats of whatever machine this is, by the vector types of GCC and Clang.
#pragma once

#include "worker/ops/cpu/bf16.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace penstock::worker {

struct portable_lanes {
    using floats = float __attribute__((vector_size(16)));
    using words = std::int32_t __attribute__((vector_size(16)));
    static constexpr std::size_t lanes = 4;
    static constexpr const char* name = "cpu portable";

    static floats zero() noexcept { return all(0); }
    static floats all(float x) noexcept { return floats{x, x, x, x}; }
    static floats load(const float* p) noexcept {
        floats x;
        std::memcpy(&x, p, sizeof x);
        return x;
    }
    static void store(float* p, floats x) noexcept { std::memcpy(p, &x, sizeof x); }

    static floats add(floats a, floats b) noexcept { return a + b; }
    static floats subtract(floats a, floats b) noexcept { return a - b; }
    static floats multiply(floats a, floats b) noexcept { return a * b; }
    static floats divide(floats a, floats b) noexcept { return a / b; }
    // Rounded twice: not every machine has the instruction, and without it the function is slow.
    static floats fma(floats a, floats b, floats c) noexcept { return a * b + c; }
    // b where a or b is not a number
    static floats max(floats a, floats b) noexcept { return choose(a > b, a, b); }
    static floats min(floats a, floats b) noexcept { return choose(a < b, a, b); }
    // Of less than 2^22: beyond 2^23 a float has no fraction, so that adding it rounds.
    static floats round(floats x) noexcept {
        const floats shift = all(0x1.8p23f);
        return (x + shift) - shift;
    }
    // 2 to the power of a whole number from -126 to 127
    static floats power_of_two(floats n) noexcept {
        const words shifted = std::bit_cast<words>(n + all(0x1.8p23f));
        return std::bit_cast<floats>((shifted + 127) << 23);
    }

    // One input of a panel: the outputs [0, lanes) and [lanes, 2 × lanes).
    static void load_panel(const float* p, floats& low, floats& high) noexcept {
        low = load(p);
        high = load(p + lanes);
    }
    static void load_panel(const bf16* p, floats& low, floats& high) noexcept {
        if constexpr (std::endian::native == std::endian::little) {
            words pairs;
            std::memcpy(&pairs, p, sizeof pairs);
            low = std::bit_cast<floats>(pairs << 16);
            high = std::bit_cast<floats>(pairs & std::int32_t(0xffff0000u));
        } else {
            for (std::size_t i = 0; i < lanes; ++i) {
                low[i] = widen(p[2 * i]);
                high[i] = widen(p[2 * i + 1]);
            }
        }
    }

 private:
    static floats choose(words which, floats a, floats b) noexcept {
        return std::bit_cast<floats>(
            (std::bit_cast<words>(a) & which) | (std::bit_cast<words>(b) & ~which)
        );
    }
};

}  // namespace penstock::worker
