// The product of activations and a weight.
#pragma once

#include "worker/ops/cpu/kernels.hpp"
#include "worker/ops/cpu/packed_matrix.hpp"
#include "worker/ops/cpu/thread_team.hpp"

namespace penstock::worker {

// out = x · wᵀ + bias
void multiply_matrix(
    const cpu_kernels& kernels, thread_team& team, const packed_matrix& w, tensor x, tensor out
) noexcept;

}  // namespace penstock::worker
