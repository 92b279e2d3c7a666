// Rows times panels: the one kernel under linear and attention.
//
// Every output is one chain of multiply-adds through k in order. Which rows and panels share a tile
// of registers is a matter of speed only; so is where the chain is laid down and taken up again.
#pragma once

#include "worker/ops/cpu/panels.hpp"

#include <cstddef>

namespace penstock::worker {

template <class Number>
struct panel_view {
    const Number* data;  // of the first panel, at the first input
    std::size_t stride;  // numbers from one panel to the next
    std::size_t num_panels;
    std::size_t num_inputs;
};

struct row_view {
    float* data;
    std::size_t stride;
    std::size_t num_rows;
};

template <class Lanes, class Number, int Rows, int Panels>
void multiply_tile(
    const Number* w,
    std::size_t w_stride,
    std::size_t num_inputs,
    const float* x,
    std::size_t x_stride,
    float* out,
    std::size_t out_stride,
    bool goes_on
) noexcept {
    constexpr std::size_t width = 2 * Lanes::lanes;
    typename Lanes::floats sums[Rows][2 * Panels];
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 8
        for (int p = 0; p < 2 * Panels; ++p)
            sums[r][p] =
                goes_on ? Lanes::load(out + r * out_stride + p * Lanes::lanes) : Lanes::zero();

    for (std::size_t k = 0; k < num_inputs; ++k, w += width) {
        typename Lanes::floats weights[2 * Panels];
#pragma GCC unroll 8
        for (int p = 0; p < Panels; ++p)
            Lanes::load_panel(w + p * w_stride, weights[2 * p], weights[2 * p + 1]);
#pragma GCC unroll 8
        for (int r = 0; r < Rows; ++r) {
            const auto input = Lanes::all(x[r * x_stride + k]);
#pragma GCC unroll 8
            for (int p = 0; p < 2 * Panels; ++p)
                sums[r][p] = Lanes::fma(input, weights[p], sums[r][p]);
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 8
        for (int p = 0; p < 2 * Panels; ++p)
            Lanes::store(out + r * out_stride + p * Lanes::lanes, sums[r][p]);
}

// Few rows take several panels at once, so that enough chains are under way to hide the latency of
// an addition.
template <class Lanes, class Number, int Rows>
void multiply_rows(
    const panel_view<Number>& w,
    const float* x,
    std::size_t x_stride,
    float* out,
    std::size_t out_stride,
    bool goes_on
) noexcept {
    constexpr int at_once = Rows == 1 ? 4 : Rows <= 3 ? 2 : 1;
    constexpr std::size_t width = 2 * Lanes::lanes;
    std::size_t p = 0;
    for (; p + at_once <= w.num_panels; p += at_once)
        multiply_tile<Lanes, Number, Rows, at_once>(
            w.data + p * w.stride,
            w.stride,
            w.num_inputs,
            x,
            x_stride,
            out + p * width,
            out_stride,
            goes_on
        );
    if constexpr (at_once > 1)
        for (; p < w.num_panels; ++p)
            multiply_tile<Lanes, Number, Rows, 1>(
                w.data + p * w.stride,
                w.stride,
                w.num_inputs,
                x,
                x_stride,
                out + p * width,
                out_stride,
                goes_on
            );
}

// out = x · wᵀ, or out += x · wᵀ where the chain goes on. `out` has room for whole panels.
template <class Lanes, class Number>
void multiply(const panel_view<Number>& w, row_view x, row_view out, bool goes_on) noexcept {
    constexpr std::size_t most = 6;  // rows of a tile: 12 sums, 2 weights and an input fit 16
    std::size_t tiles = (x.num_rows + most - 1) / most;
    for (std::size_t row = 0; tiles > 0; --tiles) {
        const std::size_t rows = (x.num_rows - row + tiles - 1) / tiles;
        const float* from = x.data + row * x.stride;
        float* to = out.data + row * out.stride;
        const auto run = [&]<int Rows>() {
            multiply_rows<Lanes, Number, Rows>(w, from, x.stride, to, out.stride, goes_on);
        };
        switch (rows) {
            case 1:
                run.template operator()<1>();
                break;
            case 2:
                run.template operator()<2>();
                break;
            case 3:
                run.template operator()<3>();
                break;
            case 4:
                run.template operator()<4>();
                break;
            case 5:
                run.template operator()<5>();
                break;
            default:
                run.template operator()<6>();
                break;
        }
        row += rows;
    }
}

}  // namespace penstock::worker
