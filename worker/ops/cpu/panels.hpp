// How weights, keys and values lie in memory so that a register holds neighbouring outputs.
//
// A panel is 2 × lanes outputs. For every input k it holds one number of each output side by side,
// so that each output is one lane which runs through k in order: a row of the product has the same
// bits whatever else is multiplied, and no sum is ever taken across lanes. Of bf16 the numbers of
// outputs i and i + lanes share a 32-bit word: a shift and a mask make two registers of floats.
#pragma once

#include "worker/ops/cpu/bf16.hpp"

#include <cstddef>
#include <type_traits>

namespace penstock::worker {

template <class Number>
constexpr std::size_t place_in_panel(std::size_t output, std::size_t lanes) noexcept {
    if constexpr (std::is_same_v<Number, bf16>)
        return output < lanes ? 2 * output : 2 * (output - lanes) + 1;
    else
        return output;
}

// Index of one number among panels of `num_inputs` inputs.
template <class Number>
constexpr std::size_t place_in_panels(
    std::size_t output, std::size_t input, std::size_t num_inputs, std::size_t lanes
) noexcept {
    const std::size_t width = 2 * lanes;
    return (output / width * num_inputs + input) * width +
           place_in_panel<Number>(output % width, lanes);
}

constexpr std::size_t rounded_up(std::size_t n, std::size_t step) noexcept {
    return (n + step - 1) / step * step;
}

}  // namespace penstock::worker
