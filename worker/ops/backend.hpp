// What a device can do: the contract between the models and the CPU or a GPU.
//
// Every op is batch-invariant: the bits of a row of the result depend on that row's own input, on
// the weights and on the shape of the model, never on the number of rows, on their place in the
// batch, on how a prompt was cut into steps, or on the number of threads. The order of a reduction
// is fixed by the shape of the weights (linear) and by absolute key positions (attention).
//
// A backend belongs to one thread. Ops may return before they are done; `sample` and `download`
// wait. Tensors are of the backend's activation type.
#pragma once

#include "penstock/result.hpp"
#include "worker/ops/sampling.hpp"
#include "worker/ops/step_batch.hpp"
#include "worker/ops/tensor.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace penstock::worker {

// Rows of a weight in host memory, row-major, as they stand in a checkpoint.
struct weight_rows {
    std::span<const std::byte> bytes;
    dtype type = dtype::f32;
    std::size_t rows = 0, columns = 0;
};

// A weight of shape [rows, columns], packed as its backend likes it best. fp16 is widened to fp32,
// which loses nothing.
class matrix {
 public:
    matrix(std::size_t rows, std::size_t columns) : rows_(rows), columns_(columns) {}
    virtual ~matrix() = default;
    std::size_t rows() const noexcept { return rows_; }        // outputs
    std::size_t columns() const noexcept { return columns_; }  // inputs

 private:
    std::size_t rows_, columns_;
};

struct attention_shape {
    std::uint32_t num_heads = 0;
    std::uint32_t num_kv_heads = 0;  // divides num_heads
    std::uint32_t head_dim = 0;      // even
    float scale = 0;                 // of q·k

    std::uint32_t q_columns() const noexcept { return num_heads * head_dim; }
    std::uint32_t kv_columns() const noexcept { return num_kv_heads * head_dim; }
    std::uint32_t qkv_columns() const noexcept { return q_columns() + 2 * kv_columns(); }
    bool operator==(const attention_shape&) const = default;
};

// Keys and values of all layers in pages; the layout is the backend's.
class kv_store {
 public:
    kv_store(std::uint32_t num_layers, std::uint32_t num_pages, attention_shape shape)
        : num_layers_(num_layers), num_pages_(num_pages), shape_(shape) {}
    virtual ~kv_store() = default;
    std::uint32_t num_layers() const noexcept { return num_layers_; }
    std::uint32_t num_pages() const noexcept { return num_pages_; }
    const attention_shape& shape() const noexcept { return shape_; }

 private:
    std::uint32_t num_layers_, num_pages_;
    attention_shape shape_;
};

// Norms of a head's queries and keys before their rotation (Qwen3); null where a model has none.
struct head_norms {
    const matrix* q = nullptr;  // [1, head_dim]
    const matrix* k = nullptr;
    float epsilon = 0;
};

class backend {
 public:
    virtual ~backend() = default;

    // "cpu avx2": for the log and for `system_fingerprint`.
    virtual std::string_view name() const noexcept = 0;

    // ── before the first step ──────────────────────────────────────────────────────────────────
    // Errors: internal, when the device has no room.

    virtual result<device_memory> allocate(std::size_t bytes) = 0;  // zeroed, 64-byte aligned
    virtual std::size_t bytes_of(std::size_t rows, std::size_t columns) const noexcept = 0;
    // Parts of equal type and columns, stacked by rows (q, k and v become one product). `bias` is
    // empty or holds one number for each row of the whole.
    virtual result<std::unique_ptr<matrix>> load(
        std::span<const weight_rows> parts, std::span<const float> bias
    ) = 0;
    // cos and sin of the rotation of every position, each [positions, head_dim / 2].
    virtual result<std::unique_ptr<matrix>> load_rotations(
        std::span<const float> cosines, std::span<const float> sines, std::size_t positions
    ) = 0;
    // Bytes that one page takes in all layers, and the store itself. Keys and values are kept in
    // `type` (f32 or bf16).
    virtual std::size_t bytes_per_page(
        std::uint32_t num_layers, const attention_shape& shape, dtype type
    ) const noexcept = 0;
    virtual result<std::unique_ptr<kv_store>> make_kv_store(
        std::uint32_t num_layers, std::uint32_t num_pages, const attention_shape& shape, dtype type
    ) = 0;

    // ── ops of a step ──────────────────────────────────────────────────────────────────────────

    // out[i] = table[tokens[i]]
    virtual void embed(const matrix& table, std::span<const token_id> tokens, tensor out) = 0;
    // out[i] = x[rows[i]]
    virtual void gather(tensor x, std::span<const std::uint32_t> rows, tensor out) = 0;
    // out = x / sqrt(mean(x²) + epsilon) * weight, by rows. `weight` is [1, columns].
    virtual void rms_norm(tensor x, const matrix& weight, float epsilon, tensor out) = 0;
    // x += delta, then as rms_norm of x.
    virtual void add_rms_norm(
        tensor x, tensor delta, const matrix& weight, float epsilon, tensor out
    ) = 0;
    // out = x · wᵀ + bias of w
    virtual void linear(const matrix& w, tensor x, tensor out) = 0;
    // out = silu(first half of the columns) * second half
    virtual void silu_multiply(tensor gate_up, tensor out) = 0;
    // Rows are q, k, v side by side. Norms the heads where asked, rotates q and k by half split,
    // all in place, and writes k and v of every row to its slot.
    virtual void rotate_and_store(
        tensor qkv,
        const head_norms& norms,
        const matrix& rotations,
        const step_batch& batch,
        std::uint32_t layer,
        kv_store& kv
    ) = 0;
    // Causal attention of the rotated q in `qkv` over the stored keys; out is [rows, q_columns].
    virtual void attend(
        tensor qkv, const step_batch& batch, std::uint32_t layer, const kv_store& kv, tensor out
    ) = 0;

    // ── results ────────────────────────────────────────────────────────────────────────────────

    // One token for each row, in order; `out` is as long as `rows`. Throws std::bad_alloc.
    virtual void sample(
        tensor logits, std::span<const sampling_row> rows, std::span<sampled_token> out
    ) = 0;
    // All numbers of x in fp32.
    virtual void download(tensor x, std::span<float> out) = 0;
};

}  // namespace penstock::worker
