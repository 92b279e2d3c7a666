// The CPU as a device: fp32 activations in host memory, weights in fp32 or bf16, threads that share
// the outputs of every op among them.
#pragma once

#include "penstock/result.hpp"
#include "worker/ops/backend.hpp"
#include "worker/ops/cpu/kernels.hpp"

#include <memory>

namespace penstock::worker {

// `threads` 0: one for each core this process may use. Errors: internal, when the system gives no
// threads.
result<std::unique_ptr<backend>> open_cpu(const cpu_kernels& kernels, unsigned threads);

}  // namespace penstock::worker
