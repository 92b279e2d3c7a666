// One step of a decoder, as a list of ops.
#include "worker/models/decoder.hpp"

#include <cmath>

namespace penstock::worker {

decoder::decoder(
    const decoder_config& config,
    std::uint32_t max_positions,
    decoder_weights weights,
    backend& device
)
    : config_(config), weights_(std::move(weights)), device_(device) {
    shape_.vocabulary = config.vocabulary;
    shape_.num_layers = config.num_layers;
    shape_.attention.num_heads = config.num_heads;
    shape_.attention.num_kv_heads = config.num_kv_heads;
    shape_.attention.head_dim = config.head_dim;
    shape_.attention.scale = static_cast<float>(1 / std::sqrt(double(config.head_dim)));
    shape_.max_positions = max_positions;
    shape_.type = weights_.type;
    shape_.num_parameters = weights_.num_parameters;
    shape_.weight_bytes = weights_.bytes_per_token;
}

result<decoder::buffer> decoder::make_buffer(std::size_t rows, std::size_t columns) {
    buffer made;
    made.columns = columns;
    TRY(made.memory, device_.allocate(device_.bytes_of(rows, columns)));
    return made;
}

result<void> decoder::reserve(std::size_t max_rows, std::size_t max_logit_rows) {
    TRY(residual_, make_buffer(max_rows, config_.hidden));
    TRY(normed_, make_buffer(max_rows, config_.hidden));
    TRY(delta_, make_buffer(max_rows, config_.hidden));
    TRY(qkv_, make_buffer(max_rows, shape_.attention.qkv_columns()));
    TRY(attended_, make_buffer(max_rows, shape_.attention.q_columns()));
    TRY(gate_up_, make_buffer(max_rows, 2 * std::size_t(config_.intermediate)));
    TRY(activated_, make_buffer(max_rows, config_.intermediate));
    TRY(last_residual_, make_buffer(max_logit_rows, config_.hidden));
    TRY(last_delta_, make_buffer(max_logit_rows, config_.hidden));
    TRY(last_normed_, make_buffer(max_logit_rows, config_.hidden));
    TRY(logits_, make_buffer(max_logit_rows, config_.vocabulary));
    return success();
}

tensor decoder::forward(const step_batch& batch, kv_store& kv) {
    const std::size_t rows = batch.num_rows();
    if (rows == 0) return logits_.first(0);
    const tensor residual = residual_.first(rows);
    device_.embed(*weights_.embedding, batch.tokens, residual);
    tell("model.embed_tokens", residual);
    for (std::uint32_t layer = 0; layer < config_.num_layers; ++layer) {
        const matrix& norm = *weights_.layers[layer].input_norm;
        const tensor normed = normed_.first(rows);
        if (layer == 0) {
            device_.rms_norm(residual, norm, config_.rms_epsilon, normed);
        } else {
            // What the layer before has made is complete only now.
            device_.add_rms_norm(residual, delta_.first(rows), norm, config_.rms_epsilon, normed);
            tell(layer - 1, "", residual);
        }
        tell(layer, ".input_layernorm", normed);
        attention(layer, batch, kv);
        feed_forward(layer, rows);
    }
    return logits(batch);
}

// normed_ to delta_
void decoder::attention(std::uint32_t layer, const step_batch& batch, kv_store& kv) {
    const decoder_layer_weights& weights = weights_.layers[layer];
    const std::size_t rows = batch.num_rows();
    const tensor qkv = qkv_.first(rows);
    const head_norms norms{weights.q_norm.get(), weights.k_norm.get(), config_.rms_epsilon};
    device_.linear(*weights.qkv, normed_.first(rows), qkv);
    device_.rotate_and_store(qkv, norms, *weights_.rotations, batch, layer, kv);
    tell(layer, ".self_attn.qkv", qkv);
    device_.attend(qkv, batch, layer, kv, attended_.first(rows));
    device_.linear(*weights.o, attended_.first(rows), delta_.first(rows));
    tell(layer, ".self_attn", delta_.first(rows));
}

// residual_ + delta_ to delta_
void decoder::feed_forward(std::uint32_t layer, std::size_t rows) {
    const decoder_layer_weights& weights = weights_.layers[layer];
    const tensor normed = normed_.first(rows);
    device_.add_rms_norm(
        residual_.first(rows), delta_.first(rows), *weights.post_norm, config_.rms_epsilon, normed
    );
    tell(layer, ".post_attention_layernorm", normed);
    device_.linear(*weights.gate_up, normed, gate_up_.first(rows));
    device_.silu_multiply(gate_up_.first(rows), activated_.first(rows));
    device_.linear(*weights.down, activated_.first(rows), delta_.first(rows));
    tell(layer, ".mlp", delta_.first(rows));
}

// Of the rows whose next token is wanted only: the output is the widest matrix.
tensor decoder::logits(const step_batch& batch) {
    const std::size_t rows = batch.num_rows();
    const std::size_t num_wanted = batch.logit_rows.size();
    const tensor made = logits_.first(num_wanted);
    if (num_wanted == 0) return made;
    const tensor residual = last_residual_.first(num_wanted);
    const tensor delta = last_delta_.first(num_wanted);
    const tensor normed = last_normed_.first(num_wanted);
    device_.gather(residual_.first(rows), batch.logit_rows, residual);
    device_.gather(delta_.first(rows), batch.logit_rows, delta);
    device_.add_rms_norm(residual, delta, *weights_.final_norm, config_.rms_epsilon, normed);
    tell("model.norm", normed);
    device_.linear(weights_.head(), normed, made);
    tell("lm_head", made);
    return made;
}

void decoder::tell(std::string_view stage, tensor value) const {
    if (tap_) tap_(stage, value);
}

void decoder::tell(std::uint32_t layer, std::string_view stage, tensor value) const {
    if (tap_) tap_("model.layers." + std::to_string(layer) + std::string(stage), value);
}

}  // namespace penstock::worker
