// Which bits a worker promises: a name for all that an answer depends on.
#pragma once

#include "penstock/result.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace penstock::worker {

class checkpoint;

// Hex digits of a SHA-256 over config.json and over name, type, shape and content of every tensor
// that was read of `weights`: call it once the model is loaded. It depends on every byte of them,
// by content_hash.hpp: whoever changes weights by accident, or by training, gets another; who looks
// for two sets of weights with one may find them. Errors: io_failed.
result<std::string> weights_identity(
    const std::filesystem::path& folder, const checkpoint& weights
);

// The same over the files that make text of ids and ids of text: tokenizer, chat template,
// generation defaults. One that is missing differs from an empty one. Errors: io_failed.
result<std::string> text_identity(const std::filesystem::path& folder);

// "fp_…" of what an answer's bits depend on. `kernels` is the device's name.
std::string system_fingerprint(
    std::string_view weights,
    std::string_view text,
    std::string_view version,
    std::string_view kernels
);

}  // namespace penstock::worker
