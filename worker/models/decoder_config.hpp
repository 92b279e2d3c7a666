// What config.json says about a decoder, and what its family adds to that.
#pragma once

#include "penstock/result.hpp"
#include "worker/models/rotations.hpp"

#include <boost/json/object.hpp>

#include <cstdint>

namespace penstock::worker {

// How the families of decoders differ where config.json does not say it.
struct decoder_family {
    bool qkv_bias = false;
    bool head_norms = false;             // of queries and keys, before their rotation
    std::uint32_t default_head_dim = 0;  // 0: hidden_size / num_attention_heads
};

struct decoder_config {
    decoder_family family;
    std::uint32_t hidden = 0;
    std::uint32_t intermediate = 0;
    std::uint32_t num_layers = 0;
    std::uint32_t num_heads = 0;
    std::uint32_t num_kv_heads = 0;
    std::uint32_t head_dim = 0;
    std::uint32_t vocabulary = 0;
    std::uint32_t max_positions = 0;  // with YaRN its factor times the original
    float rms_epsilon = 0;
    bool tied = false;  // the embedding is the output's weight, too
    rotation_config rotations;

    std::uint32_t q_columns() const noexcept { return num_heads * head_dim; }
    std::uint32_t kv_columns() const noexcept { return num_kv_heads * head_dim; }
};

// Errors: invalid_value, with the field and what it must be; also for whatever would change the
// result and is not done here: windows, other activations, other rotations, quantised weights.
result<decoder_config> parse_decoder_config(
    const boost::json::object& config, const decoder_family& family
);

}  // namespace penstock::worker
