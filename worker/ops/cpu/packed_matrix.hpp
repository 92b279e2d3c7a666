// A weight of the CPU backend: panels for products, and a plain row where there is only one.
#pragma once

#include "penstock/result.hpp"
#include "worker/ops/backend.hpp"
#include "worker/ops/cpu/multiply.hpp"
#include "worker/ops/cpu/thread_team.hpp"

#include <memory>
#include <span>
#include <vector>

namespace penstock::worker {

class packed_matrix final : public matrix {
 public:
    // Errors: internal, when the parts do not fit each other or there is no room.
    static result<std::unique_ptr<packed_matrix>> pack(
        std::span<const weight_rows> parts,
        std::span<const float> bias,
        std::size_t lanes,
        thread_team& team
    );

    dtype type() const noexcept { return type_; }  // f32 or bf16
    std::size_t num_panels() const noexcept { return (rows() + width_ - 1) / width_; }
    std::span<const float> bias() const noexcept { return bias_; }
    // The only row of a norm's weight; empty when there are more.
    std::span<const float> only_row() const noexcept { return only_row_; }

    template <class Number>
    panel_view<Number> panels(std::size_t first, std::size_t count) const noexcept {
        const std::size_t stride = width_ * columns();
        return {
            static_cast<const Number*>(memory_.data()) + first * stride, stride, count, columns()
        };
    }

    void read_row(std::size_t row, float* out) const noexcept;

 private:
    packed_matrix(std::size_t rows, std::size_t columns) : matrix(rows, columns) {}

    template <class Number>
    void fill(std::span<const weight_rows> parts, thread_team& team) noexcept;

    dtype type_ = dtype::f32;
    std::size_t width_ = 0;  // of a panel
    device_memory memory_;
    std::vector<float> bias_, only_row_;
};

// Rotations as load_rotations takes them: a row of cosines, then one of sines, for each position.
class rotation_table final : public matrix {
 public:
    rotation_table(
        std::span<const float> cosines, std::span<const float> sines, std::size_t positions
    );
    const float* cosines(std::size_t position) const noexcept {
        return numbers_.data() + position * columns();
    }
    const float* sines(std::size_t position) const noexcept {
        return cosines(position) + columns() / 2;
    }

 private:
    std::vector<float> numbers_;
};

}  // namespace penstock::worker
