// Sixteen floats of AVX-512. Included by kernels_avx512.cpp only, which is compiled for them.
#pragma once

#include "worker/ops/cpu/bf16.hpp"

#include <cstddef>
#include <immintrin.h>

namespace penstock::worker {

struct avx512_lanes {
    using floats = __m512;
    static constexpr std::size_t lanes = 16;
    static constexpr std::size_t num_registers = 32;
    static constexpr const char* name = "cpu avx512";

    static floats zero() noexcept { return _mm512_setzero_ps(); }
    static floats all(float x) noexcept { return _mm512_set1_ps(x); }
    static floats load(const float* p) noexcept { return _mm512_loadu_ps(p); }
    static void store(float* p, floats x) noexcept { _mm512_storeu_ps(p, x); }

    static floats add(floats a, floats b) noexcept { return _mm512_add_ps(a, b); }
    static floats subtract(floats a, floats b) noexcept { return _mm512_sub_ps(a, b); }
    static floats multiply(floats a, floats b) noexcept { return _mm512_mul_ps(a, b); }
    static floats divide(floats a, floats b) noexcept { return _mm512_div_ps(a, b); }
    // a × b + c, rounded once
    static floats fma(floats a, floats b, floats c) noexcept { return _mm512_fmadd_ps(a, b, c); }
    // b where a or b is not a number
    static floats max(floats a, floats b) noexcept { return _mm512_max_ps(a, b); }
    static floats min(floats a, floats b) noexcept { return _mm512_min_ps(a, b); }
    static floats round(floats x) noexcept {
        return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    }
    // 2 to the power of a whole number from -126 to 127
    static floats power_of_two(floats n) noexcept {
        const __m512i biased = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
        return _mm512_castsi512_ps(_mm512_slli_epi32(biased, 23));
    }

    // One input of a panel: the outputs [0, lanes) and [lanes, 2 × lanes).
    static void load_panel(const float* p, floats& low, floats& high) noexcept {
        low = load(p);
        high = load(p + lanes);
    }
    static void load_panel(const bf16* p, floats& low, floats& high) noexcept {
        const __m512i words = _mm512_loadu_si512(p);
        low = _mm512_castsi512_ps(_mm512_slli_epi32(words, 16));
        high = _mm512_castsi512_ps(_mm512_and_si512(words, _mm512_set1_epi32(int(0xffff0000u))));
    }
};

}  // namespace penstock::worker
