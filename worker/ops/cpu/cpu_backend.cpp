// Each op of the contract: what of it is one piece, and which kernel does a piece.
#include "worker/ops/cpu/cpu_backend.hpp"

#include "worker/ops/cpu/attention.hpp"
#include "worker/ops/cpu/kernels.hpp"
#include "worker/ops/cpu/linear.hpp"
#include "worker/ops/cpu/memory.hpp"
#include "worker/ops/cpu/packed_matrix.hpp"
#include "worker/ops/cpu/sampler.hpp"
#include "worker/ops/cpu/thread_team.hpp"

#include <algorithm>
#include <string>

namespace penstock::worker {
namespace {

// Columns of one piece of an elementwise op.
constexpr std::size_t columns_of_piece = 2048;

const packed_matrix& packed(const matrix& w) noexcept {
    return static_cast<const packed_matrix&>(w);
}

class cpu_backend final : public backend {
 public:
    cpu_backend(const cpu_kernels& kernels, std::unique_ptr<thread_team> team)
        : kernels_(kernels), team_(std::move(team)) {}

    std::string_view name() const noexcept override { return kernels_.name; }

    result<device_memory> allocate(std::size_t bytes) override { return map_memory(bytes); }

    std::size_t bytes_of(std::size_t rows, std::size_t columns) const noexcept override {
        return rows * columns * sizeof(float);
    }

    result<std::unique_ptr<matrix>> load(
        std::span<const weight_rows> parts, std::span<const float> bias
    ) override {
        TRY(std::unique_ptr<matrix> made, packed_matrix::pack(parts, bias, kernels_.lanes, *team_));
        return made;
    }

    result<std::unique_ptr<matrix>> load_rotations(
        std::span<const float> cosines, std::span<const float> sines, std::size_t positions
    ) override {
        if (positions == 0 || cosines.size() != sines.size() || cosines.size() % positions != 0)
            return error(errc::internal, "cosines and sines do not fit the positions");
        return std::make_unique<rotation_table>(cosines, sines, positions);
    }

    std::size_t bytes_per_page(std::uint32_t num_layers, const attention_shape& shape, dtype type)
        const noexcept override {
        const kv_layout layout = kv_memory::layout_of(shape, kernels_.lanes);
        return num_layers * layout.numbers_of_page() * size_of(type);
    }

    result<std::unique_ptr<kv_store>> make_kv_store(
        std::uint32_t num_layers, std::uint32_t num_pages, const attention_shape& shape, dtype type
    ) override {
        if (type != dtype::f32 && type != dtype::bf16)
            return error(errc::internal, "keys and values are kept in fp32 or bf16");
        const bool even = shape.head_dim > 0 && shape.head_dim % 2 == 0;
        if (shape.num_kv_heads == 0 || shape.num_heads % shape.num_kv_heads != 0 || !even)
            return error(errc::internal, "a shape of attention that cannot be");
        TRY(device_memory memory, map_memory(num_pages * bytes_per_page(num_layers, shape, type)));
        return std::make_unique<kv_memory>(
            num_layers, num_pages, shape, type, kernels_.lanes, std::move(memory)
        );
    }

    void embed(const matrix& table, std::span<const token_id> tokens, tensor out) override {
        team_->run(tokens.size(), [&](std::size_t i, unsigned) {
            packed(table).read_row(std::size_t(tokens[i]), out.row(i));
        });
    }

    void gather(tensor x, std::span<const std::uint32_t> rows, tensor out) override {
        for (std::size_t i = 0; i < rows.size(); ++i)
            std::copy_n(x.row(rows[i]), x.columns, out.row(i));
    }

    void rms_norm(tensor x, const matrix& weight, float epsilon, tensor out) override {
        norm_rows(x, nullptr, weight, epsilon, out);
    }

    void add_rms_norm(tensor x, tensor delta, const matrix& weight, float epsilon, tensor out)
        override {
        norm_rows(x, delta.row(0), weight, epsilon, out);
    }

    void linear(const matrix& w, tensor x, tensor out) override {
        multiply_matrix(kernels_, *team_, packed(w), x, out);
    }

    void silu_multiply(tensor gate_up, tensor out) override {
        const std::size_t columns = out.columns;
        const std::size_t pieces = (columns + columns_of_piece - 1) / columns_of_piece;
        team_->run(gate_up.rows * pieces, [&](std::size_t piece, unsigned) {
            const std::size_t row = piece / pieces, first = piece % pieces * columns_of_piece;
            const float* gate = gate_up.row(row) + first;
            const std::size_t n = std::min(columns_of_piece, columns - first);
            kernels_.silu_multiply(gate, gate + columns, n, out.row(row) + first);
        });
    }

    void rotate_and_store(
        tensor qkv,
        const head_norms& norms,
        const matrix& rotations,
        const step_batch& batch,
        std::uint32_t layer,
        kv_store& kv
    ) override {
        rotate_and_store_rows(
            kernels_,
            *team_,
            qkv,
            norms,
            static_cast<const rotation_table&>(rotations),
            batch,
            layer,
            static_cast<kv_memory&>(kv)
        );
    }

    void attend(
        tensor qkv, const step_batch& batch, std::uint32_t layer, const kv_store& kv, tensor out
    ) override {
        const auto& store = static_cast<const kv_memory&>(kv);
        attention_.run(kernels_, *team_, qkv, batch, layer, store, out);
    }

    void sample(tensor logits, std::span<const sampling_row> rows, std::span<sampled_token> out)
        override {
        // All memory that the team will need: what is missing is thrown here, before it works.
        samplers_.resize(team_->size());
        for (sampler& each : samplers_)
            each.reserve(logits.columns);
        for (std::size_t i = 0; i < rows.size(); ++i)
            out[i].top.reserve(rows[i].top_logprobs);
        team_->run(rows.size(), [&](std::size_t i, unsigned thread) {
            const std::span<const float> row(logits.row(rows[i].row), logits.columns);
            samplers_[thread].choose(row, rows[i], out[i]);
        });
    }

    void download(tensor x, std::span<float> out) override {
        std::copy_n(x.row(0), std::min(out.size(), x.rows * x.columns), out.data());
    }

 private:
    void norm_rows(
        tensor x, const float* delta, const matrix& weight, float epsilon, tensor out
    ) noexcept {
        const float* by = packed(weight).only_row().data();
        team_->run(x.rows, [&](std::size_t i, unsigned) {
            const float* more = delta ? delta + i * x.columns : nullptr;
            kernels_.rms_norm(x.row(i), more, by, epsilon, x.columns, out.row(i));
        });
    }

    const cpu_kernels& kernels_;
    std::unique_ptr<thread_team> team_;
    attention attention_;
    std::vector<sampler> samplers_;  // of each thread
};

}  // namespace

result<std::unique_ptr<backend>> open_cpu(const cpu_kernels& kernels, unsigned threads) {
    TRY(auto team, thread_team::start(threads ? threads : num_usable_cores()));
    return std::make_unique<cpu_backend>(kernels, std::move(team));
}

}  // namespace penstock::worker
