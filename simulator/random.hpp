// Random numbers that are the same on every machine and with every standard library: one seed gives
// one load, bit for bit where the mathematical functions agree.
#pragma once

#include <cmath>
#include <cstdint>

namespace penstock::simulator {

// xoshiro256++ of Blackman and Vigna, seeded by splitmix64.
class random {
 public:
    explicit random(std::uint64_t seed) noexcept {
        for (auto& word : state_) {
            seed += 0x9e37'79b9'7f4a'7c15;
            std::uint64_t z = seed;
            z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9;
            z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11eb;
            word = z ^ (z >> 31);
        }
    }

    std::uint64_t bits() noexcept {
        const std::uint64_t out = rotated(state_[0] + state_[3], 23) + state_[0];
        const std::uint64_t t = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= t;
        state_[3] = rotated(state_[3], 45);
        return out;
    }

    // In (0, 1): never 0, so that its logarithm is finite.
    double uniform() noexcept { return (static_cast<double>(bits() >> 12) + 0.5) * 0x1p-52; }
    // Mean 1.
    double exponential() noexcept { return -std::log(uniform()); }
    // Mean 0, deviation 1; Box and Muller.
    double normal() noexcept {
        const double radius = std::sqrt(2 * exponential());
        return radius * std::cos(6.283185307179586 * uniform());
    }
    // Mean 1, coefficient of variation `cv` > 0; Marsaglia and Tsang.
    double gamma(double cv) noexcept {
        const double shape = 1 / (cv * cv);
        // Below 1 the density has a pole: Gamma(k) = Gamma(k + 1) · U^(1/k).
        if (shape < 1) return gamma_of(shape + 1) * std::pow(uniform(), 1 / shape) / shape;
        return gamma_of(shape) / shape;
    }

 private:
    static std::uint64_t rotated(std::uint64_t x, int by) noexcept {
        return (x << by) | (x >> (64 - by));
    }
    double gamma_of(double shape) noexcept {
        const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
        for (;;) {
            const double x = normal(), v = std::pow(1 + c * x, 3);
            if (v > 0 && std::log(uniform()) < x * x / 2 + d - d * v + d * std::log(v))
                return d * v;
        }
    }

    std::uint64_t state_[4];
};

}  // namespace penstock::simulator
