// A piece of attention is a block of neighbouring rows of one sequence with the query heads of one
// kv head: about as many rows of queries as share a page of keys well.
#include "worker/ops/cpu/attention.hpp"

#include <algorithm>

namespace penstock::worker {
namespace {

constexpr std::size_t rows_of_block = 32;

}  // namespace

void rotate_and_store_rows(
    const cpu_kernels& kernels,
    thread_team& team,
    tensor qkv,
    const head_norms& norms,
    const rotation_table& rotations,
    const step_batch& batch,
    std::uint32_t layer,
    kv_memory& kv
) noexcept {
    const attention_shape& shape = kv.shape();
    const std::size_t dim = shape.head_dim;
    const auto turn = [&](float* head, const matrix* norm, std::size_t position) {
        if (norm) {
            const float* weight = static_cast<const packed_matrix*>(norm)->only_row().data();
            kernels.rms_norm(head, nullptr, weight, norms.epsilon, dim, head);
        }
        kernels.rotate(head, rotations.cosines(position), rotations.sines(position), dim / 2);
    };
    const auto store = [&]<class Number>(Number* layer_data, float* row, std::uint32_t slot) {
        const kv_layout& layout = kv.layout();
        Number* page = layer_data + slot / page_size * layout.numbers_of_page();
        const float *key = row + shape.q_columns(), *value = key + shape.kv_columns();
        for (std::size_t head = 0; head < shape.num_kv_heads; ++head)
            store_key_value(
                layout,
                page + head * layout.numbers_of_head(),
                slot % page_size,
                key + head * dim,
                value + head * dim
            );
    };
    team.run(batch.num_rows(), [&](std::size_t i, unsigned) {
        float* row = qkv.row(i);
        const std::size_t position = batch.positions[i];
        for (std::size_t head = 0; head < shape.num_heads; ++head)
            turn(row + head * dim, norms.q, position);
        for (std::size_t head = 0; head < shape.num_kv_heads; ++head)
            turn(row + shape.q_columns() + head * dim, norms.k, position);
        if (kv.type() == dtype::bf16)
            store(static_cast<bf16*>(kv.layer(layer)), row, batch.slots[i]);
        else
            store(static_cast<float*>(kv.layer(layer)), row, batch.slots[i]);
    });
}

void attention::run(
    const cpu_kernels& kernels,
    thread_team& team,
    tensor qkv,
    const step_batch& batch,
    std::uint32_t layer,
    const kv_memory& kv,
    tensor out
) {
    const attention_shape& shape = kv.shape();
    const std::size_t group = shape.num_heads / shape.num_kv_heads;
    const std::size_t positions = std::max<std::size_t>(1, rows_of_block / group);
    first_blocks_.clear();
    std::size_t num_blocks = 0;
    for (const auto& sequence : batch.sequences) {
        first_blocks_.push_back(num_blocks);
        num_blocks += (sequence.num_rows + positions - 1) / positions;
    }
    const std::size_t scratch = rounded_up(attend_scratch(kv.layout(), group * positions), 16);
    if (scratch_.size() < scratch * team.size()) scratch_.resize(scratch * team.size());
    const auto attend = kv.type() == dtype::bf16 ? kernels.attend_bf16 : kernels.attend_f32;

    team.run(num_blocks * shape.num_kv_heads, [&](std::size_t piece, unsigned thread) {
        const std::size_t block = piece / shape.num_kv_heads, head = piece % shape.num_kv_heads;
        const auto after = std::upper_bound(first_blocks_.begin(), first_blocks_.end(), block);
        const auto index = std::size_t(after - first_blocks_.begin()) - 1;
        const sequence_rows& sequence = batch.sequences[index];
        const std::size_t first = (block - first_blocks_[index]) * positions;
        const std::size_t row = sequence.first_row + first, column = head * group * shape.head_dim;
        attend({
            .layout = kv.layout(),
            .store = kv.layer(layer),
            .pages = batch.pages.data() + sequence.first_page,
            .kv_head = head,
            .group = group,
            .num_positions = std::min(positions, sequence.num_rows - first),
            .first_keys = sequence.num_keys - sequence.num_rows + first + 1,
            .scale = shape.scale,
            .q = qkv.row(row) + column,
            .q_stride = qkv.columns,
            .out = out.row(row) + column,
            .out_stride = out.columns,
            .scratch = scratch_.data() + thread * scratch,
        });
    });
}

}  // namespace penstock::worker
