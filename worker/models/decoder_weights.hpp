// The weights of a decoder on its device.
#pragma once

#include "worker/models/decoder_config.hpp"
#include "worker/ops/backend.hpp"
#include "worker/weights/checkpoint.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace penstock::worker {

struct decoder_layer_weights {
    std::unique_ptr<matrix> input_norm;      // [1, hidden]
    std::unique_ptr<matrix> qkv;             // [q + k + v columns, hidden], with bias or without
    std::unique_ptr<matrix> q_norm, k_norm;  // [1, head_dim]; null where the family has none
    std::unique_ptr<matrix> o;               // [hidden, q columns]
    std::unique_ptr<matrix> post_norm;       // [1, hidden]
    std::unique_ptr<matrix> gate_up;         // [2 * intermediate, hidden]
    std::unique_ptr<matrix> down;            // [hidden, intermediate]
};

struct decoder_weights {
    std::unique_ptr<matrix> embedding;  // [vocabulary, hidden]
    std::unique_ptr<matrix> output;     // the same; null when tied
    std::unique_ptr<matrix> final_norm;
    std::vector<decoder_layer_weights> layers;
    std::unique_ptr<matrix> rotations;
    dtype type = dtype::f32;  // of the matrices on the device: fp16 is widened
    std::uint64_t num_parameters = 0;
    std::uint64_t bytes_per_token = 0;

    const matrix& head() const noexcept { return output ? *output : *embedding; }
};

// Every tensor is looked for, and its shape and type compared, before the first is read. One that
// no decoder of this configuration has is an error, since config.json then speaks of another model;
// but for what Hugging Face's files hold beside a model: `rotary_emb.inv_freq` of any layer, which
// config.json says as well, and the output of a tied model, if it is the embedding. Errors:
// invalid_value, with the tensor, what is expected and what is there; io_failed; internal when the
// device has no room.
result<decoder_weights> load_decoder_weights(
    const decoder_config& config, std::uint32_t positions, checkpoint& from, backend& device
);

}  // namespace penstock::worker
