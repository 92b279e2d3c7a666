// Which kernels this machine can run.
#include "worker/ops/cpu/kernels.hpp"

namespace penstock::worker {

std::vector<const cpu_kernels*> usable_kernels() {
    std::vector<const cpu_kernels*> usable;
    for (const cpu_kernels* kernels : {avx512_kernels(), avx2_kernels(), &portable_kernels()})
        if (kernels) usable.push_back(kernels);
    return usable;
}

}  // namespace penstock::worker
