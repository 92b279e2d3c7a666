// Tensors of a checkpoint on their way to a device: looked for first, read later.
#pragma once

#include "worker/ops/backend.hpp"
#include "worker/weights/checkpoint.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace penstock::worker {

// A tensor that a model needs; a vector has one row in `load`, and no rows in its file.
struct wanted_tensor {
    std::string name;
    std::size_t rows = 0;  // 0: a vector of `columns`
    std::size_t columns = 0;
};

class tensor_source {
 public:
    tensor_source(checkpoint& from, backend& device) : from_(from), device_(device) {}

    // Errors: invalid_value with the name, when it is missing, of another shape or of a type that
    // is not read.
    result<const tensor_place*> find(const wanted_tensor& wanted) const;
    // Matrices of equal columns, stacked by rows, and the numbers of their biases, if they have
    // any. Errors: as `find`; io_failed; internal when the device has no room.
    result<std::unique_ptr<matrix>> load(
        std::span<const wanted_tensor> parts, std::span<const wanted_tensor> biases = {}
    ) const;
    result<std::unique_ptr<matrix>> load_one(const wanted_tensor& part) const {
        return load(std::span(&part, 1));
    }
    // Whether two tensors have the same type and bytes. Errors: io_failed.
    result<bool> are_equal(const tensor_place& a, const tensor_place& b) const;

 private:
    result<std::vector<std::byte>> read(const tensor_place& place) const;

    checkpoint& from_;
    backend& device_;
};

}  // namespace penstock::worker
