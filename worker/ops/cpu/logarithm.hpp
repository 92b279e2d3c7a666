// The natural logarithm of a positive normal number. Our own for the reason that exponential.hpp
// gives.
#pragma once

#include <bit>
#include <cstdint>

namespace penstock::worker {

constexpr double natural_logarithm(double x) noexcept {
    // x = m × 2^e with m from √½ to √2, and log m by the series of artanh, whose first term left
    // out is below the last place.
    const auto bits = std::bit_cast<std::uint64_t>(x);
    auto exponent = int(bits >> 52) - 1023;
    double m = std::bit_cast<double>((bits & 0xfffffffffffffu) | 0x3ff0000000000000u);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        ++exponent;
    }
    const double s = (m - 1) / (m + 1), square = s * s;
    double sum = 0;
    for (int k = 21; k >= 1; k -= 2)
        sum = sum * square + 1.0 / k;
    return exponent * 0.6931471805599453 + 2 * s * sum;
}

}  // namespace penstock::worker
