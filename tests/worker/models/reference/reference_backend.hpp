// A backend of plain loops in double precision: what every other one is compared with.
//
// Each op is its formula, one number after another. Pages hold NaN until they are written, so that
// a read of what was never computed shows. What a caller does wrong is thrown.
#pragma once

#include "worker/ops/backend.hpp"

#include <memory>

namespace penstock::worker::reference {

class reference_backend : public backend {
 public:
    std::string_view name() const noexcept override { return "reference"; }

    result<device_memory> allocate(std::size_t bytes) override;
    std::size_t bytes_of(std::size_t rows, std::size_t columns) const noexcept override;
    result<std::unique_ptr<matrix>> load(
        std::span<const weight_rows> parts, std::span<const float> bias
    ) override;
    result<std::unique_ptr<matrix>> load_rotations(
        std::span<const float> cosines, std::span<const float> sines, std::size_t positions
    ) override;
    std::size_t bytes_per_page(std::uint32_t num_layers, const attention_shape& shape, dtype type)
        const noexcept override;
    result<std::unique_ptr<kv_store>> make_kv_store(
        std::uint32_t num_layers, std::uint32_t num_pages, const attention_shape& shape, dtype type
    ) override;

    void embed(const matrix& table, std::span<const token_id> tokens, tensor out) override;
    void gather(tensor x, std::span<const std::uint32_t> rows, tensor out) override;
    void rms_norm(tensor x, const matrix& weight, float epsilon, tensor out) override;
    void add_rms_norm(tensor x, tensor delta, const matrix& weight, float epsilon, tensor out)
        override;
    void linear(const matrix& w, tensor x, tensor out) override;
    void silu_multiply(tensor gate_up, tensor out) override;
    void rotate_and_store(
        tensor qkv,
        const head_norms& norms,
        const matrix& rotations,
        const step_batch& batch,
        std::uint32_t layer,
        kv_store& kv
    ) override;
    void attend(
        tensor qkv, const step_batch& batch, std::uint32_t layer, const kv_store& kv, tensor out
    ) override;

    // The draw is of this backend alone: the same seed gives other tokens elsewhere.
    void sample(tensor logits, std::span<const sampling_row> rows, std::span<sampled_token> out)
        override;
    void download(tensor x, std::span<float> out) override;

    // Bytes that `allocate` may still give out before it fails.
    std::size_t bytes_left = std::size_t(1) << 40;
};

}  // namespace penstock::worker::reference
