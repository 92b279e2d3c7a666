// A JSON file of a model's folder: config.json, the index of the weights.
#pragma once

#include "penstock/result.hpp"

#include <boost/json/object.hpp>

#include <cstddef>
#include <filesystem>

namespace penstock::worker {

inline constexpr std::size_t json_file_bytes_max = 64 * 1024 * 1024;
inline constexpr std::size_t json_file_depth_max = 32;

// Errors: io_failed when it cannot be read; invalid_value when it is larger than `bytes_max` or no
// JSON object. Both with the name of the file.
result<boost::json::object> read_json_object(
    const std::filesystem::path& file, std::size_t bytes_max = json_file_bytes_max
);

}  // namespace penstock::worker
