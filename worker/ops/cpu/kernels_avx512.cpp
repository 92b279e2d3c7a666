// The kernels with AVX-512. Compiled for them (kernels.cmake): nothing here may run before the
// machine was asked.
#include "worker/ops/cpu/kernels.hpp"

#if defined(__x86_64__) && defined(__AVX512F__)
#include "worker/ops/cpu/lanes_avx512.hpp"

namespace penstock::worker {

const cpu_kernels* avx512_kernels() noexcept {
    static constexpr cpu_kernels table = make_kernels<avx512_lanes>();
    const bool can = __builtin_cpu_supports("avx512f");
    return can ? &table : nullptr;
}

}  // namespace penstock::worker

#else

namespace penstock::worker {

const cpu_kernels* avx512_kernels() noexcept {
    return nullptr;
}

}  // namespace penstock::worker

#endif
