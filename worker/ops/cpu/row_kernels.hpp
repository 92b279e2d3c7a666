// What is done to a row by itself: norm, activation, rotation.
#pragma once

#include "worker/ops/cpu/exponential.hpp"

#include <cmath>
#include <cstddef>
#include <cstring>

namespace penstock::worker {

// The last numbers of a row: lanes beyond `n` are 0 and are not stored.
template <class Lanes>
typename Lanes::floats load_some(const float* p, std::size_t n) noexcept {
    float padded[Lanes::lanes] = {};
    std::memcpy(padded, p, n * sizeof(float));
    return Lanes::load(padded);
}

template <class Lanes>
void store_some(float* p, typename Lanes::floats x, std::size_t n) noexcept {
    float padded[Lanes::lanes];
    Lanes::store(padded, x);
    std::memcpy(p, padded, n * sizeof(float));
}

// Lane by lane from the first.
template <class Lanes>
float sum_of_lanes(typename Lanes::floats x) noexcept {
    float values[Lanes::lanes], sum = 0;
    Lanes::store(values, x);
    for (const float value : values)
        sum += value;
    return sum;
}

// x += delta where there is one; out = x / sqrt(mean(x²) + epsilon) * weight. `out` may be x.
template <class Lanes>
void rms_norm_row(
    float* x, const float* delta, const float* weight, float epsilon, std::size_t n, float* out
) noexcept {
    constexpr std::size_t step = Lanes::lanes;
    const std::size_t whole = n / step * step;
    auto squares = Lanes::zero();
    for (std::size_t i = 0; i < whole; i += step) {
        auto value = Lanes::load(x + i);
        if (delta) {
            value = Lanes::add(value, Lanes::load(delta + i));
            Lanes::store(x + i, value);
        }
        squares = Lanes::fma(value, value, squares);
    }
    if (whole < n) {
        auto value = load_some<Lanes>(x + whole, n - whole);
        if (delta) {
            value = Lanes::add(value, load_some<Lanes>(delta + whole, n - whole));
            store_some<Lanes>(x + whole, value, n - whole);
        }
        squares = Lanes::fma(value, value, squares);
    }
    const float scale = 1.0f / std::sqrt(sum_of_lanes<Lanes>(squares) / float(n) + epsilon);
    for (std::size_t i = 0; i < n; ++i)
        out[i] = x[i] * scale * weight[i];
}

// out = gate / (1 + e^-gate) * up
template <class Lanes>
void silu_multiply_row(const float* gate, const float* up, std::size_t n, float* out) noexcept {
    constexpr std::size_t step = Lanes::lanes;
    const auto one = [](typename Lanes::floats g, typename Lanes::floats u) {
        const auto power = exponential<Lanes>(Lanes::subtract(Lanes::zero(), g));
        return Lanes::multiply(Lanes::divide(g, Lanes::add(Lanes::all(1), power)), u);
    };
    const std::size_t whole = n / step * step;
    for (std::size_t i = 0; i < whole; i += step)
        Lanes::store(out + i, one(Lanes::load(gate + i), Lanes::load(up + i)));
    if (whole < n)
        store_some<Lanes>(
            out + whole,
            one(load_some<Lanes>(gate + whole, n - whole), load_some<Lanes>(up + whole, n - whole)),
            n - whole
        );
}

// Rotates the pairs (x[i], x[i + half]) by the angle of this position. No lanes are named: numbers
// do not meet here, so that the compiler may choose how many it takes at once.
template <class Lanes>
void rotate_head(float* x, const float* cosines, const float* sines, std::size_t half) noexcept {
    for (std::size_t i = 0; i < half; ++i) {
        const float a = x[i], b = x[i + half];
        x[i] = a * cosines[i] - b * sines[i];
        x[i + half] = b * cosines[i] + a * sines[i];
    }
}

}  // namespace penstock::worker
