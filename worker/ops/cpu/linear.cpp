// A piece is a few panels of outputs for all rows. Several rows walk through the inputs in blocks,
// so that a block of a piece's weights stays in the second cache while every row passes by it. The
// chain of an output is laid down at the end of a block and taken up at the next: its bits do not
// know of blocks, nor of pieces.
#include "worker/ops/cpu/linear.hpp"

#include <algorithm>

namespace penstock::worker {
namespace {

// Numbers of a block: 4 panels × 1024 inputs × 16 outputs of bf16 are 128 KiB.
constexpr std::size_t block_inputs = 1024;
constexpr std::size_t most_panels = 4;
constexpr std::size_t most_rows_of_rest = 16;
constexpr std::size_t most_width = 64;

template <class Number>
using multiply_function = void (*)(const panel_view<Number>&, row_view, row_view, bool);

template <class Number>
struct product {
    multiply_function<Number> multiply;
    const packed_matrix& w;
    std::size_t width;  // of a panel
    row_view x, out;

    // Panels that are whole: straight into the result.
    void run_whole(std::size_t first, std::size_t count) const noexcept {
        panel_view<Number> panels = w.panels<Number>(first, count);
        const std::size_t inputs = panels.num_inputs;
        row_view to = out;
        to.data += first * width;
        const std::size_t step = x.num_rows == 1 ? inputs : block_inputs;
        if (inputs == 0) multiply(panels, x, to, false);
        for (std::size_t k = 0; k < inputs; k += step) {
            row_view from = x;
            from.data += k;
            panels.num_inputs = std::min(step, inputs - k);
            multiply(panels, from, to, k > 0);
            panels.data += panels.num_inputs * width;
        }
    }

    // The last panel where it sticks out of the result: by way of a buffer.
    void run_rest(std::size_t panel) const noexcept {
        float buffer[most_rows_of_rest * most_width];
        const std::size_t outputs = w.rows() - panel * width;
        for (std::size_t row = 0; row < x.num_rows; row += most_rows_of_rest) {
            const std::size_t rows = std::min(most_rows_of_rest, x.num_rows - row);
            const row_view from{x.data + row * x.stride, x.stride, rows};
            multiply(w.panels<Number>(panel, 1), from, {buffer, width, rows}, false);
            for (std::size_t r = 0; r < rows; ++r)
                std::copy_n(
                    buffer + r * width, outputs, out.data + (row + r) * out.stride + panel * width
                );
        }
    }

    void add_bias(std::size_t first, std::size_t last) const noexcept {
        if (w.bias().empty()) return;
        for (std::size_t r = 0; r < out.num_rows; ++r)
            for (std::size_t i = first; i < last; ++i)
                out.data[r * out.stride + i] += w.bias()[i];
    }

    void run(thread_team& team) const noexcept {
        const std::size_t num_panels = w.num_panels(), num_whole = w.rows() / width;
        // Enough pieces that threads which are slowed down leave work to the others.
        const std::size_t size =
            std::clamp<std::size_t>(num_panels / (4 * team.size()), 1, most_panels);
        team.run((num_panels + size - 1) / size, [&](std::size_t piece, unsigned) {
            const std::size_t first = piece * size, last = std::min(num_panels, first + size);
            const std::size_t whole = std::min(last, num_whole);
            if (first < whole) run_whole(first, whole - first);
            if (last > num_whole) run_rest(num_whole);
            add_bias(first * width, std::min(w.rows(), last * width));
        });
    }
};

}  // namespace

void multiply_matrix(
    const cpu_kernels& kernels, thread_team& team, const packed_matrix& w, tensor x, tensor out
) noexcept {
    const row_view from{x.row(0), x.columns, x.rows}, to{out.row(0), out.columns, x.rows};
    const std::size_t width = 2 * kernels.lanes;
    if (w.type() == dtype::bf16)
        product<bf16>{kernels.multiply_bf16, w, width, from, to}.run(team);
    else
        product<float>{kernels.multiply_f32, w, width, from, to}.run(team);
}

}  // namespace penstock::worker
