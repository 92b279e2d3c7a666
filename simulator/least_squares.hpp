// Ordinary least squares of a few unknowns, by the normal equations.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <utility>

namespace penstock::simulator {

template <std::size_t N>
class least_squares {
 public:
    void add(const std::array<double, N>& x, double y) {
        for (std::size_t i = 0; i < N; ++i) {
            for (std::size_t j = 0; j < N; ++j)
                a_[i][j] += x[i] * x[j];
            a_[i][N] += x[i] * y;
        }
    }

    // Nothing when the rows do not determine it.
    std::optional<std::array<double, N>> solve() const {
        auto a = a_;
        for (std::size_t i = 0; i < N; ++i) {
            std::size_t pivot = i;
            for (std::size_t r = i + 1; r < N; ++r)
                if (std::abs(a[r][i]) > std::abs(a[pivot][i])) pivot = r;
            std::swap(a[i], a[pivot]);
            if (std::abs(a[i][i]) <= 1e-12 * std::abs(a_[i][i])) return std::nullopt;
            for (std::size_t r = 0; r < N; ++r) {
                if (r == i) continue;
                const double times = a[r][i] / a[i][i];
                for (std::size_t c = i; c <= N; ++c)
                    a[r][c] -= times * a[i][c];
            }
        }
        std::array<double, N> x{};
        for (std::size_t i = 0; i < N; ++i)
            x[i] = a[i][N] / a[i][i];
        return x;
    }

 private:
    std::array<std::array<double, N + 1>, N> a_{};
};

}  // namespace penstock::simulator
