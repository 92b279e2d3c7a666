// Memory of the CPU backend: zeroed, aligned to pages, in huge pages where the system has them.
#pragma once

#include "penstock/result.hpp"
#include "worker/ops/tensor.hpp"

#include <cstddef>

namespace penstock::worker {

// Errors: internal, when the system has no room.
result<device_memory> map_memory(std::size_t bytes);

}  // namespace penstock::worker
