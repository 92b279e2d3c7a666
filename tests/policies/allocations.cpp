// Counts what this test program allocates.
#include "policies/allocations.hpp"

#include <cstdlib>
#include <malloc.h>
#include <new>

namespace {
std::uint64_t allocations = 0;
std::int64_t bytes = 0;
}  // namespace

// Not inlined, or the compiler sees `free` of what it takes for another allocator's memory.
[[gnu::noinline]] void* operator new(std::size_t size) {
    void* p = std::malloc(size ? size : 1);
    if (!p) throw std::bad_alloc();
    ++allocations;
    bytes += static_cast<std::int64_t>(malloc_usable_size(p));
    return p;
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    void* p = std::malloc(size ? size : 1);
    if (!p) return nullptr;
    ++allocations;
    bytes += static_cast<std::int64_t>(malloc_usable_size(p));
    return p;
}
[[gnu::noinline]] void operator delete(void* p) noexcept {
    if (p) bytes -= static_cast<std::int64_t>(malloc_usable_size(p));
    std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept {
    operator delete(p);
}

namespace penstock::admission {

std::uint64_t num_allocations() noexcept {
    return allocations;
}
std::int64_t allocated_bytes() noexcept {
    return bytes;
}

}  // namespace penstock::admission
