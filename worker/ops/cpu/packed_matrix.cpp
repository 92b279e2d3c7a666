// Packs the rows of a checkpoint into panels, and finds a row in them again.
#include "worker/ops/cpu/packed_matrix.hpp"

#include "worker/ops/cpu/memory.hpp"

#include <algorithm>
#include <cstring>
#include <string>

namespace penstock::worker {
namespace {

template <class Number>
Number read_number(const weight_rows& part, std::size_t index) noexcept {
    const std::byte* at = part.bytes.data() + index * size_of(part.type);
    if constexpr (std::is_same_v<Number, bf16>) {
        bf16 x;
        std::memcpy(&x, at, sizeof x);
        return x;
    } else {
        if (part.type == dtype::f16) {
            std::uint16_t half;
            std::memcpy(&half, at, sizeof half);
            return widen_half(half);
        }
        float x;
        std::memcpy(&x, at, sizeof x);
        return x;
    }
}

result<std::size_t> count_rows(std::span<const weight_rows> parts) {
    if (parts.empty()) return error(errc::internal, "a matrix of no parts");
    std::size_t rows = 0;
    for (const auto& part : parts) {
        if (part.type != parts[0].type || part.columns != parts[0].columns)
            return error(errc::internal, "the parts of a matrix differ in type or columns");
        if (part.bytes.size() != part.rows * part.columns * size_of(part.type))
            return error(errc::internal, "the bytes of a weight do not fit its shape");
        rows += part.rows;
    }
    return rows;
}

}  // namespace

result<std::unique_ptr<packed_matrix>> packed_matrix::pack(
    std::span<const weight_rows> parts,
    std::span<const float> bias,
    std::size_t lanes,
    thread_team& team
) {
    TRY(const std::size_t rows, count_rows(parts));
    if (!bias.empty() && bias.size() != rows)
        return error(
            errc::internal,
            "a bias of " + std::to_string(bias.size()) + " numbers for " + std::to_string(rows) +
                " rows"
        );
    std::unique_ptr<packed_matrix> made(new packed_matrix(rows, parts[0].columns));
    made->type_ = parts[0].type == dtype::bf16 ? dtype::bf16 : dtype::f32;
    made->width_ = 2 * lanes;
    made->bias_.assign(bias.begin(), bias.end());
    const std::size_t numbers = made->num_panels() * made->width_ * made->columns();
    TRY(made->memory_, map_memory(numbers * size_of(made->type_)));
    if (made->type_ == dtype::bf16)
        made->fill<bf16>(parts, team);
    else
        made->fill<float>(parts, team);
    if (rows == 1) {
        made->only_row_.resize(made->columns());
        made->read_row(0, made->only_row_.data());
    }
    return made;
}

template <class Number>
void packed_matrix::fill(std::span<const weight_rows> parts, thread_team& team) noexcept {
    auto* to = static_cast<Number*>(memory_.data());
    team.run(num_panels(), [&](std::size_t panel, unsigned) {
        const std::size_t last = std::min(rows(), (panel + 1) * width_);
        for (std::size_t row = panel * width_; row < last; ++row) {
            std::size_t part = 0, in_part = row;
            while (in_part >= parts[part].rows)
                in_part -= parts[part++].rows;
            for (std::size_t k = 0; k < columns(); ++k)
                to[place_in_panels<Number>(row, k, columns(), width_ / 2)] =
                    read_number<Number>(parts[part], in_part * columns() + k);
        }
    });
}

void packed_matrix::read_row(std::size_t row, float* out) const noexcept {
    const auto read = [&]<class Number>(const Number* from) {
        for (std::size_t k = 0; k < columns(); ++k)
            out[k] = widen(from[place_in_panels<Number>(row, k, columns(), width_ / 2)]);
    };
    if (type_ == dtype::bf16)
        read(static_cast<const bf16*>(memory_.data()));
    else
        read(static_cast<const float*>(memory_.data()));
}

rotation_table::rotation_table(
    std::span<const float> cosines, std::span<const float> sines, std::size_t positions
)
    : matrix(positions, positions ? 2 * (cosines.size() / positions) : 0) {
    numbers_.reserve(cosines.size() + sines.size());
    const std::size_t half = columns() / 2;
    for (std::size_t i = 0; i < positions; ++i) {
        const auto at = std::ptrdiff_t(i * half), end = std::ptrdiff_t((i + 1) * half);
        numbers_.insert(numbers_.end(), cosines.begin() + at, cosines.begin() + end);
        numbers_.insert(numbers_.end(), sines.begin() + at, sines.begin() + end);
    }
}

}  // namespace penstock::worker
