// The header of a safetensors file, read and validated as a pure function over its bytes.
//
// A file is 8 bytes of length (little-endian), as many bytes of JSON, and the tensors. The rules
// are those of the reference implementation (safetensors 0.4, `Metadata::validate`), and besides:
// no name stands twice.
#pragma once

#include "penstock/result.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::worker {

inline constexpr std::size_t header_prefix_bytes = 8;
inline constexpr std::uint64_t header_bytes_max = 100'000'000;  // as the reference
inline constexpr std::size_t tensor_dimensions_max = 16;
inline constexpr std::size_t tensor_name_bytes_max = 1024;

struct stored_tensor {
    std::string name;
    std::string type;  // as the file spells it: "BF16"
    std::vector<std::uint64_t> shape;
    std::uint64_t begin = 0, end = 0;  // in bytes, from the first byte of data
};

// Bytes of JSON that follow the prefix in a file of `file_bytes`. Errors: invalid_value.
result<std::uint64_t> header_length(std::span<const std::byte> prefix, std::uint64_t file_bytes);

// Tensors in order of place, which fill `data_bytes` without gap or overlap. Errors: invalid_value,
// with the tensor and what is wrong with it.
result<std::vector<stored_tensor>> parse_header(std::string_view json, std::uint64_t data_bytes);

}  // namespace penstock::worker
