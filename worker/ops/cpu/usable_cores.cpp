// How many threads are worth starting. In a container the affinity often names every core of the
// machine while the control group grants the time of a few: more threads than that only wait.
#include "worker/ops/cpu/thread_team.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sched.h>

namespace penstock::worker {
namespace {

unsigned cores_of_affinity() noexcept {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return unsigned(CPU_COUNT(&set));
    return std::thread::hardware_concurrency();
}

// Version 2 of control groups, as seen from inside a container; 0 where there is no quota.
unsigned cores_of_quota() {
    std::ifstream file("/sys/fs/cgroup/cpu.max");
    double quota = 0, period = 0;
    if (!(file >> quota >> period) || period <= 0) return 0;  // also "max"
    return unsigned(std::max(1.0, std::ceil(quota / period)));
}

}  // namespace

unsigned num_usable_cores() noexcept {
    const unsigned cores = std::max(1u, cores_of_affinity()), quota = cores_of_quota();
    return quota ? std::min(cores, quota) : cores;
}

}  // namespace penstock::worker
