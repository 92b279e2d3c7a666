// The kernels for any machine.
#include "worker/ops/cpu/kernels.hpp"
#include "worker/ops/cpu/lanes_portable.hpp"

namespace penstock::worker {

const cpu_kernels& portable_kernels() noexcept {
    static constexpr cpu_kernels table = make_kernels<portable_lanes>();
    return table;
}

}  // namespace penstock::worker
