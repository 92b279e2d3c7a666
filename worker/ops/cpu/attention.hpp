// Rotation, storing and attention of a step, cut into pieces for the threads.
#pragma once

#include "worker/ops/backend.hpp"
#include "worker/ops/cpu/kernels.hpp"
#include "worker/ops/cpu/kv_memory.hpp"
#include "worker/ops/cpu/packed_matrix.hpp"
#include "worker/ops/cpu/thread_team.hpp"

#include <vector>

namespace penstock::worker {

void rotate_and_store_rows(
    const cpu_kernels& kernels,
    thread_team& team,
    tensor qkv,
    const head_norms& norms,
    const rotation_table& rotations,
    const step_batch& batch,
    std::uint32_t layer,
    kv_memory& kv
) noexcept;

// Keeps its memory from step to step.
class attention {
 public:
    void run(
        const cpu_kernels& kernels,
        thread_team& team,
        tensor qkv,
        const step_batch& batch,
        std::uint32_t layer,
        const kv_memory& kv,
        tensor out
    );

 private:
    std::vector<std::size_t> first_blocks_;  // of each sequence; the number of all behind them
    std::vector<float> scratch_;             // of each thread
};

}  // namespace penstock::worker
