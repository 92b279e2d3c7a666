// What the reference backend keeps of weights, rotations, keys and values.
#pragma once

#include "worker/ops/backend.hpp"

#include <span>
#include <vector>

namespace penstock::worker::reference {

struct reference_matrix : matrix {
    using matrix::matrix;
    std::span<const double> row(std::size_t i) const {
        return std::span(numbers).subspan(i * columns(), columns());
    }
    std::vector<double> numbers, bias;
};

struct reference_rotations : matrix {
    using matrix::matrix;
    std::vector<double> cosines, sines;
};

struct reference_kv : kv_store {
    using kv_store::kv_store;
    // Place of a slot's first number of a layer.
    std::size_t at(std::uint32_t layer, std::size_t slot) const {
        return (std::size_t(layer) * num_pages() * page_size + slot) * shape().kv_columns();
    }
    dtype type = dtype::f32;
    std::vector<double> keys, values;
};

// In place; nothing without a weight.
void norm_head(std::span<double> head, const matrix* weight, double epsilon);

}  // namespace penstock::worker::reference
