// What the tests of the ops share: numbers that look like activations, backends of both kinds and
// of several team sizes, and matrices with the values that they really hold.
#pragma once

#include "worker/ops/cpu/bf16.hpp"
#include "worker/ops/cpu/cpu_backend.hpp"
#include "worker/ops/cpu/kernels.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace penstock::worker {

using numbers = std::vector<float>;

// Row counts around every size of tile and block, up to a whole step's.
inline const std::vector<std::size_t> row_counts{1,  2,  3,  4,  7,  8,   9,   15,  16,  17,  31,
                                                 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 512};

inline numbers random_numbers(std::size_t count, unsigned seed, float spread = 1) {
    std::mt19937 engine(seed);
    std::normal_distribution<float> draw(0, spread);
    numbers made(count);
    for (float& x : made)
        x = draw(engine);
    return made;
}

inline std::unique_ptr<backend> open(
    unsigned threads, const cpu_kernels& kernels = *usable_kernels().front()
) {
    return std::move(open_cpu(kernels, threads)).value();
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
    const cpu_kernels* kernels;
    dtype type;
};

inline std::string name_of(const kind_of_backend& kind) {
    const std::string_view set = std::string_view(kind.kernels->name).substr(4);  // "cpu avx2"
    return std::string(set) + (kind.type == dtype::bf16 ? "_bf16" : "_f32");
}

inline std::string name_of_kind(const testing::TestParamInfo<kind_of_backend>& info) {
    return name_of(info.param);
}

inline std::ostream& operator<<(std::ostream& out, const kind_of_backend& kind) {
    return out << name_of(kind);
}

// Every kernel that this machine can run, for each type that it may read: no test of the others is
// made, so that none is skipped.
inline std::vector<kind_of_backend> every_kind() {
    std::vector<kind_of_backend> made;
    for (const cpu_kernels* kernels : usable_kernels())
        for (const dtype type : {dtype::f32, dtype::bf16})
            made.push_back({kernels, type});
    return made;
}

// A test of each kind.
class op_test : public testing::TestWithParam<kind_of_backend> {
 protected:
    std::unique_ptr<backend> open_this(unsigned threads) const { return open(threads, *kernels_); }

    const cpu_kernels* kernels_ = GetParam().kernels;
};

}  // namespace penstock::worker
