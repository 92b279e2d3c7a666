// Straight from the system, so that what is large is given back at once and lies in huge pages:
// a gigabyte of weights read in 4 KiB pages spends a good part of its time on their addresses.
#include "worker/ops/cpu/memory.hpp"

#include <string>
#include <sys/mman.h>

namespace penstock::worker {

result<device_memory> map_memory(std::size_t bytes) {
    if (bytes == 0) bytes = 1;
    void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED)
        return error(errc::internal, "no room for " + std::to_string(bytes) + " bytes of memory");
    ::madvise(data, bytes, MADV_HUGEPAGE);  // a wish; nothing depends on it
    return device_memory(data, bytes, [](void* at, std::size_t n) noexcept { ::munmap(at, n); });
}

}  // namespace penstock::worker
