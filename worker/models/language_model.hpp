// A model that continues token sequences, as the engine sees it.
#pragma once

#include "penstock/result.hpp"
#include "worker/ops/backend.hpp"

#include <functional>
#include <string_view>

namespace penstock::worker {

struct model_shape {
    std::uint32_t vocabulary = 0;  // rows of the output: may exceed the tokenizer's
    std::uint32_t num_layers = 0;
    attention_shape attention;
    std::uint32_t max_positions = 0;  // of a sequence, prompt and answer together
    dtype type = dtype::f32;          // of weights, keys and values
    std::uint64_t num_parameters = 0;
    std::uint64_t weight_bytes = 0;  // read for one decoded token
};

class language_model {
 public:
    virtual ~language_model() = default;
    virtual const model_shape& shape() const noexcept = 0;
    // Room for steps of at most this many rows, of which at most `max_logit_rows` are sampled.
    // Once, before the first step. Errors: internal, when the device has no room.
    virtual result<void> reserve(std::size_t max_rows, std::size_t max_logit_rows) = 0;
    // Writes the step's keys and values and returns the logits of its logit_rows, valid until the
    // next call. The engine's thread.
    virtual tensor forward(const step_batch& batch, kv_store& kv) = 0;

    // Told every stage of a step by its name in Hugging Face's modules ("model.layers.0.mlp"), for
    // comparison with goldens; "….self_attn.qkv", which is no module there, are queries, keys and
    // values side by side after the rotation. Null on the path.
    using stage_tap = std::function<void(std::string_view stage, tensor value)>;
    virtual void tap(stage_tap tell) = 0;
};

}  // namespace penstock::worker
