// A checkpoint in the shape of Qwen2.5-0.5B with random weights, to measure with.
#pragma once

#include "penstock/result.hpp"

#include <cstdint>
#include <filesystem>

namespace penstock::bench {

struct decoder_dimensions {
    std::uint32_t hidden = 896, layers = 24, heads = 14, kv_heads = 2, head_dim = 64, mlp = 4864;
    std::uint32_t vocabulary = 151'936, positions = 32'768;

    // Multiplications of one token in the layers, and in the layers and the output.
    std::uint64_t layer_weights() const noexcept {
        const std::uint64_t q = heads * head_dim, kv = kv_heads * head_dim;
        return layers * (hidden * (q + 2 * kv) + q * hidden + 3ull * hidden * mlp);
    }
    std::uint64_t output_weights() const noexcept { return std::uint64_t{vocabulary} * hidden; }
};

// Writes config.json and model.safetensors (bf16, tied) unless they are there already.
result<void> write_random_checkpoint(
    const std::filesystem::path& folder, const decoder_dimensions& shape
);

}  // namespace penstock::bench
