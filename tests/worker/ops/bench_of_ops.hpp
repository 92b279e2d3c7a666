// What the tests of the ops share: numbers that look like activations, backends of both kinds and
// of several team sizes, and matrices with the values that they really hold.
#pragma once

#include "worker/ops/backends.hpp"
#include "worker/ops/cpu/bf16.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace penstock::worker {

using numbers = std::vector<float>;

// Row counts around every size of tile and block.
inline const std::vector<std::size_t> row_counts{
    1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129
};

inline numbers random_numbers(std::size_t count, unsigned seed, float spread = 1) {
    std::mt19937 engine(seed);
    std::normal_distribution<float> draw(0, spread);
    numbers made(count);
    for (float& x : made)
        x = draw(engine);
    return made;
}

inline std::unique_ptr<backend> open(unsigned threads, bool portable = false) {
    auto made = open_backend("cpu", {.threads = threads, .portable = portable});
    EXPECT_TRUE(made.has_value());
    return std::move(made).value();
}

inline tensor view(numbers& values, std::size_t columns) {
    return {values.data(), columns ? values.size() / columns : 0, columns};
}

// The bits of rows, so that NaN equals itself and 0 differs from -0.
inline std::vector<std::uint32_t> bits_of(const float* x, std::size_t n) {
    std::vector<std::uint32_t> bits(n);
    std::memcpy(bits.data(), x, n * sizeof(float));
    return bits;
}

// A weight, and beside it what the backend was told, rounded as it is kept.
struct known_matrix {
    std::unique_ptr<matrix> packed;
    numbers values;
    std::size_t columns = 0;
};

inline known_matrix load_numbers(
    backend& device,
    const numbers& values,
    std::size_t columns,
    dtype type = dtype::f32,
    std::span<const float> bias = {}
) {
    known_matrix made{nullptr, values, columns};
    std::vector<bf16> narrowed;
    std::span<const std::byte> bytes = std::as_bytes(std::span(made.values));
    if (type == dtype::bf16) {
        for (float& x : made.values) {
            narrowed.push_back(narrow<bf16>(x));
            x = widen(narrowed.back());
        }
        bytes = std::as_bytes(std::span(narrowed));
    }
    const weight_rows part{bytes, type, values.size() / columns, columns};
    auto loaded = device.load({&part, 1}, bias);
    EXPECT_TRUE(loaded.has_value());
    made.packed = std::move(loaded).value();
    return made;
}

struct kind_of_backend {
    bool portable;
    dtype type;
};

inline std::string name_of_kind(const testing::TestParamInfo<kind_of_backend>& info) {
    return std::string(info.param.portable ? "portable" : "fastest") +
           (info.param.type == dtype::bf16 ? "_bf16" : "_f32");
}

// Every kernel there is for each type that it may read.
inline const auto every_kind = testing::Values(
    kind_of_backend{false, dtype::f32},
    kind_of_backend{false, dtype::bf16},
    kind_of_backend{true, dtype::f32},
    kind_of_backend{true, dtype::bf16}
);

}  // namespace penstock::worker
