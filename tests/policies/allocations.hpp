// Counts what this test program allocates, all of it: for what must not, or not more and more.
#pragma once

#include <cstdint>

namespace penstock::admission {

std::uint64_t num_allocations() noexcept;  // ever
std::int64_t allocated_bytes() noexcept;   // now, as the allocator rounds them

}  // namespace penstock::admission
