// Which bits a worker promises: a name for weights, program and kernels together.
#pragma once

#include "penstock/result.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace penstock::worker {

// Hex digits of a SHA-256 over config.json, the table of tensors (name, type, shape) and the first
// bytes of every tensor: enough to tell a model from what it was trained on to become. Errors: as
// checkpoint::open.
result<std::string> weights_identity(const std::filesystem::path& folder);

// "fp_…" of what an answer's bits depend on.
std::string system_fingerprint(
    std::string_view weights, std::string_view version, std::string_view kernels
);

}  // namespace penstock::worker
