// Rotation, pages and attention of the reference backend.
#include "worker/models/reference/reference_backend.hpp"
#include "worker/models/reference/reference_rows.hpp"
#include "worker/models/reference/reference_weights.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace penstock::worker::reference {

namespace {

void rotate(
    std::span<double> head, std::span<const double> cosines, std::span<const double> sines
) {
    const std::size_t half = head.size() / 2;
    for (std::size_t i = 0; i < half; ++i) {
        const double a = head[i], b = head[i + half];
        head[i] = a * cosines[i] - b * sines[i];
        head[i + half] = b * cosines[i] + a * sines[i];
    }
}

double as_stored(double value, dtype type) {
    const auto single = static_cast<float>(value);
    if (type == dtype::f32) return single;
    const auto bits = std::bit_cast<std::uint32_t>(single);
    const std::uint32_t rounded = bits + 0x7fffu + (bits >> 16 & 1u);
    return std::bit_cast<float>(rounded & 0xffff0000u);
}

// Of one query over `num_keys` keys, whose places `slot_of` knows.
template <class SlotOf>
void attend_head(
    std::span<const double> query,
    const reference_kv& kv,
    std::size_t column,
    std::uint32_t layer,
    std::uint32_t num_keys,
    SlotOf slot_of,
    std::span<double> out
) {
    std::vector<double> weights(num_keys);
    double largest = -std::numeric_limits<double>::infinity();
    for (std::uint32_t key = 0; key < num_keys; ++key) {
        const std::size_t at = kv.at(layer, slot_of(key)) + column;
        for (std::size_t i = 0; i < query.size(); ++i)
            weights[key] += query[i] * kv.keys[at + i];
        weights[key] *= kv.shape().scale;
        demand(!std::isnan(weights[key]), "attend: a key that was never written");
        largest = std::max(largest, weights[key]);
    }
    double sum = 0;
    for (double& weight : weights) {
        weight = std::exp(weight - largest);
        sum += weight;
    }
    std::ranges::fill(out, 0.0);
    for (std::uint32_t key = 0; key < num_keys; ++key) {
        const std::size_t at = kv.at(layer, slot_of(key)) + column;
        for (std::size_t i = 0; i < out.size(); ++i)
            out[i] += weights[key] / sum * kv.values[at + i];
    }
}

}  // namespace

result<std::unique_ptr<matrix>> reference_backend::load_rotations(
    std::span<const float> cosines, std::span<const float> sines, std::size_t positions
) {
    demand(cosines.size() == sines.size() && cosines.size() % positions == 0, "uneven rotations");
    auto made = std::make_unique<reference_rotations>(positions, cosines.size() / positions);
    made->cosines.assign(cosines.begin(), cosines.end());
    made->sines.assign(sines.begin(), sines.end());
    return std::unique_ptr<matrix>(std::move(made));
}

std::size_t reference_backend::bytes_per_page(
    std::uint32_t num_layers, const attention_shape& shape, dtype
) const noexcept {
    return std::size_t(2) * num_layers * page_size * shape.kv_columns() * sizeof(double);
}

result<std::unique_ptr<kv_store>> reference_backend::make_kv_store(
    std::uint32_t num_layers, std::uint32_t num_pages, const attention_shape& shape, dtype type
) {
    auto made = std::make_unique<reference_kv>(num_layers, num_pages, shape);
    made->type = type;
    const std::size_t count = std::size_t(num_layers) * num_pages * page_size * shape.kv_columns();
    made->keys.assign(count, std::numeric_limits<double>::quiet_NaN());
    made->values = made->keys;
    return std::unique_ptr<kv_store>(std::move(made));
}

void reference_backend::rotate_and_store(
    tensor qkv,
    const head_norms& norms,
    const matrix& rotations,
    const step_batch& batch,
    std::uint32_t layer,
    kv_store& kv
) {
    auto& store = dynamic_cast<reference_kv&>(kv);
    const auto& table = dynamic_cast<const reference_rotations&>(rotations);
    const attention_shape& shape = kv.shape();
    const std::size_t width = shape.head_dim, half = width / 2;
    demand(qkv.columns == shape.qkv_columns() && qkv.rows == batch.num_rows(), "another qkv");
    for (std::size_t i = 0; i < qkv.rows; ++i) {
        demand(batch.positions[i] < rotations.rows(), "a position beyond the table");
        const auto cosines = std::span(table.cosines).subspan(batch.positions[i] * half, half);
        const auto sines = std::span(table.sines).subspan(batch.positions[i] * half, half);
        const std::span<double> row = row_of(qkv, i);
        for (std::size_t head = 0; head < shape.num_heads + shape.num_kv_heads; ++head) {
            const std::span<double> numbers = row.subspan(head * width, width);
            norm_head(numbers, head < shape.num_heads ? norms.q : norms.k, norms.epsilon);
            rotate(numbers, cosines, sines);
        }
        demand(batch.slots[i] < std::size_t(kv.num_pages()) * page_size, "no such slot");
        const std::size_t at = store.at(layer, batch.slots[i]);
        for (std::size_t j = 0; j < shape.kv_columns(); ++j) {
            const std::size_t k = shape.q_columns() + j;
            store.keys[at + j] = as_stored(row[k], store.type);
            store.values[at + j] = as_stored(row[k + shape.kv_columns()], store.type);
        }
    }
}

void reference_backend::attend(
    tensor qkv, const step_batch& batch, std::uint32_t layer, const kv_store& kv, tensor out
) {
    const auto& store = dynamic_cast<const reference_kv&>(kv);
    const attention_shape& shape = kv.shape();
    demand(out.columns == shape.q_columns() && out.rows == qkv.rows, "attend: another shape");
    for (const sequence_rows& sequence : batch.sequences) {
        const auto slot_of = [&](std::uint32_t key) {
            const page_id page = batch.pages.at(sequence.first_page + key / page_size);
            return std::size_t(page) * page_size + key % page_size;
        };
        for (std::uint32_t i = 0; i < sequence.num_rows; ++i) {
            const std::uint32_t num_keys = sequence.num_keys - sequence.num_rows + i + 1;
            const std::size_t row = sequence.first_row + i;
            for (std::size_t head = 0; head < shape.num_heads; ++head) {
                const std::size_t kv_head = head * shape.num_kv_heads / shape.num_heads;
                attend_head(
                    row_of(qkv, row).subspan(head * shape.head_dim, shape.head_dim),
                    store,
                    kv_head * shape.head_dim,
                    layer,
                    num_keys,
                    slot_of,
                    row_of(out, row).subspan(head * shape.head_dim, shape.head_dim)
                );
            }
        }
    }
}

}  // namespace penstock::worker::reference
