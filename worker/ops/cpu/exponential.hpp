// e to the power of x, in lanes and alone. Our own, since the bits of libm's change with its
// version.
#pragma once

#include <cstddef>

namespace penstock::worker {

// Within 2 units of the last place; 0 below -104, infinite above 89, and no number of no number.
template <class Lanes>
typename Lanes::floats exponential(typename Lanes::floats x) noexcept {
    using floats = typename Lanes::floats;
    // In this order a NaN passes.
    x = Lanes::max(Lanes::all(-104.0f), x);
    x = Lanes::min(Lanes::all(89.0f), x);
    // x = n ln 2 + r with |r| <= ln 2 / 2; ln 2 in two parts, so that n times the first is exact.
    const floats n = Lanes::round(Lanes::multiply(x, Lanes::all(1.44269504f)));
    floats r = Lanes::fma(n, Lanes::all(-0.693359375f), x);
    r = Lanes::fma(n, Lanes::all(2.12194440e-4f), r);
    // Taylor's series: its eighth term is below half a unit of the last place.
    floats sum = Lanes::all(1.0f / 5040);
    for (const float term : {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f})
        sum = Lanes::fma(sum, r, Lanes::all(term));
    // In two steps, since 2^n alone may be out of range where the product is not.
    const floats half = Lanes::round(Lanes::multiply(n, Lanes::all(0.5f)));
    sum = Lanes::multiply(sum, Lanes::power_of_two(half));
    return Lanes::multiply(sum, Lanes::power_of_two(Lanes::subtract(n, half)));
}

}  // namespace penstock::worker
