// The CPU as a device: fp32 activations in host memory, weights in fp32 or bf16, threads that share
// the outputs of every op among them.
#pragma once

#include "penstock/result.hpp"
#include "worker/ops/backends.hpp"

#include <memory>

namespace penstock::worker {

// Errors: internal, when the system gives no threads.
result<std::unique_ptr<backend>> open_cpu(const backend_options& options);

}  // namespace penstock::worker
