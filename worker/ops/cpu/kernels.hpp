// The kernels of one instruction set, as the rest of the backend calls them. One object file holds
// those of AVX2, another those of any machine; which one runs is decided when a backend is opened.
#pragma once

#include "worker/ops/cpu/attend.hpp"
#include "worker/ops/cpu/multiply.hpp"

#include <cstddef>

namespace penstock::worker {

struct cpu_kernels {
    const char* name;
    std::size_t lanes;  // a panel is twice as wide

    void (*multiply_f32)(const panel_view<float>& w, row_view x, row_view out, bool goes_on);
    void (*multiply_bf16)(const panel_view<bf16>& w, row_view x, row_view out, bool goes_on);
    void (*attend_f32)(const attend_block& block);
    void (*attend_bf16)(const attend_block& block);
    // `delta` may be null, and `out` may be x.
    void (*rms_norm)(
        float* x, const float* delta, const float* weight, float epsilon, std::size_t n, float* out
    );
    void (*silu_multiply)(const float* gate, const float* up, std::size_t n, float* out);
    void (*rotate)(float* x, const float* cosines, const float* sines, std::size_t half);
};

// Null where this build or this machine has no AVX2 with FMA.
const cpu_kernels* avx2_kernels() noexcept;
const cpu_kernels& portable_kernels() noexcept;

// Makes the table of an instruction set; used by the object file that is compiled for it.
template <class Lanes>
constexpr cpu_kernels make_kernels() noexcept {
    return {
        .name = Lanes::name,
        .lanes = Lanes::lanes,
        .multiply_f32 = multiply<Lanes, float>,
        .multiply_bf16 = multiply<Lanes, bf16>,
        .attend_f32 = [](const attend_block& b) { attend_kernel<Lanes, float>(b).run(); },
        .attend_bf16 = [](const attend_block& b) { attend_kernel<Lanes, bf16>(b).run(); },
        .rms_norm = rms_norm_row<Lanes>,
        .silu_multiply = silu_multiply_row<Lanes>,
        .rotate = rotate_head<Lanes>,
    };
}

}  // namespace penstock::worker
