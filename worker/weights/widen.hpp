// bf16 and fp16 to fp32, exactly.
#pragma once

#include "worker/ops/tensor.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace penstock::worker {

// Numbers as they stand in a checkpoint (little-endian), of which there are bytes / size_of(type).
std::vector<float> widen(std::span<const std::byte> bytes, dtype type);

}  // namespace penstock::worker
