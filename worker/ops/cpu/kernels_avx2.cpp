// The kernels with AVX2 and FMA. Compiled for them (kernels.cmake): nothing here may run before the
// machine was asked.
#include "worker/ops/cpu/kernels.hpp"

#if defined(__x86_64__) && defined(__AVX2__) && defined(__FMA__)
#include "worker/ops/cpu/lanes_avx2.hpp"

namespace penstock::worker {

const cpu_kernels* avx2_kernels() noexcept {
    static constexpr cpu_kernels table = make_kernels<avx2_lanes>();
    const bool can = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    return can ? &table : nullptr;
}

}  // namespace penstock::worker

#else

namespace penstock::worker {

const cpu_kernels* avx2_kernels() noexcept {
    return nullptr;
}

}  // namespace penstock::worker

#endif
