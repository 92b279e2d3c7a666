// Eight floats of AVX2 with FMA. Included by kernels_avx2.cpp only, which is compiled for them.
#pragma once

#include "worker/ops/cpu/bf16.hpp"

#include <cstddef>
#include <immintrin.h>

namespace penstock::worker {

struct avx2_lanes {
    using floats = __m256;
    static constexpr std::size_t lanes = 8;
    static constexpr const char* name = "cpu avx2";

    static floats zero() noexcept { return _mm256_setzero_ps(); }
    static floats all(float x) noexcept { return _mm256_set1_ps(x); }
    static floats load(const float* p) noexcept { return _mm256_loadu_ps(p); }
    static void store(float* p, floats x) noexcept { _mm256_storeu_ps(p, x); }

    static floats add(floats a, floats b) noexcept { return _mm256_add_ps(a, b); }
    static floats subtract(floats a, floats b) noexcept { return _mm256_sub_ps(a, b); }
    static floats multiply(floats a, floats b) noexcept { return _mm256_mul_ps(a, b); }
    static floats divide(floats a, floats b) noexcept { return _mm256_div_ps(a, b); }
    // a × b + c, rounded once
    static floats fma(floats a, floats b, floats c) noexcept { return _mm256_fmadd_ps(a, b, c); }
    // b where a or b is not a number
    static floats max(floats a, floats b) noexcept { return _mm256_max_ps(a, b); }
    static floats min(floats a, floats b) noexcept { return _mm256_min_ps(a, b); }
    static floats round(floats x) noexcept {
        return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    }
    // 2 to the power of a whole number from -126 to 127
    static floats power_of_two(floats n) noexcept {
        const __m256i biased = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
        return _mm256_castsi256_ps(_mm256_slli_epi32(biased, 23));
    }

    // One input of a panel: the outputs [0, lanes) and [lanes, 2 × lanes).
    static void load_panel(const float* p, floats& low, floats& high) noexcept {
        low = load(p);
        high = load(p + lanes);
    }
    static void load_panel(const bf16* p, floats& low, floats& high) noexcept {
        const __m256i words = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
        low = _mm256_castsi256_ps(_mm256_slli_epi32(words, 16));
        high = _mm256_castsi256_ps(_mm256_and_si256(words, _mm256_set1_epi32(int(0xffff0000u))));
    }
};

}  // namespace penstock::worker
