// A decoder-only transformer: the one definition of every family of decoders.
//
// Pre-norm blocks of grouped-query attention with rotary positions and a gated SiLU network; what
// differs between families is in decoder_config.
#pragma once

#include "worker/models/decoder_weights.hpp"
#include "worker/models/language_model.hpp"

#include <string>

namespace penstock::worker {

class decoder : public language_model {
 public:
    // `device` outlives the model.
    decoder(
        const decoder_config& config,
        std::uint32_t max_positions,
        decoder_weights weights,
        backend& device
    );

    const model_shape& shape() const noexcept override { return shape_; }
    result<void> reserve(std::size_t max_rows, std::size_t max_logit_rows) override;
    tensor forward(const step_batch& batch, kv_store& kv) override;
    void tap(stage_tap tell) override { tap_ = std::move(tell); }

 private:
    // A tensor of all rows that fit, cut to those of a step.
    struct buffer {
        device_memory memory;
        std::size_t columns = 0;
        tensor first(std::size_t rows) const noexcept { return {memory.data(), rows, columns}; }
    };

    result<buffer> make_buffer(std::size_t rows, std::size_t columns);
    void attention(std::uint32_t layer, const step_batch& batch, kv_store& kv);
    void feed_forward(std::uint32_t layer, std::size_t rows);
    tensor logits(const step_batch& batch);
    void tell(std::string_view stage, tensor value) const;
    void tell(std::uint32_t layer, std::string_view stage, tensor value) const;

    decoder_config config_;
    decoder_weights weights_;
    backend& device_;
    model_shape shape_;
    stage_tap tap_;

    // [rows, …]: the residual stream, what a norm made of it, and what a block adds to it.
    buffer residual_, normed_, delta_;
    buffer qkv_, attended_, gate_up_, activated_;
    // [logit rows, …]
    buffer last_residual_, last_delta_, last_normed_, logits_;
};

}  // namespace penstock::worker
