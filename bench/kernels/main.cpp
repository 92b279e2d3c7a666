// Figures of the CPU kernels beside what the machine gives, measured in the same run.
//
//     bench_kernels [--threads N] [--seconds S] [--portable]
#include "figures.hpp"
#include "worker/ops/cpu/thread_team.hpp"

#include <cstdlib>
#include <cstring>

int main(int argc, char** argv) {
    using namespace penstock;
    bench::settings how{.threads = worker::num_usable_cores()};
    for (int i = 1; i < argc; ++i) {
        const bool has_value = i + 1 < argc;
        if (std::strcmp(argv[i], "--threads") == 0 && has_value) {
            how.threads = unsigned(std::max(1, std::atoi(argv[++i])));
        } else if (std::strcmp(argv[i], "--seconds") == 0 && has_value) {
            how.seconds = std::max(0.01, std::atof(argv[++i]));
        } else if (std::strcmp(argv[i], "--portable") == 0) {
            how.portable = true;
        } else {
            std::fprintf(stderr, "usage: %s [--threads N] [--seconds S] [--portable]\n", argv[0]);
            return 2;
        }
    }
    const double bandwidth = bench::read_bandwidth(how), peak = bench::fma_peak(how);
    bench::say("threads", how.threads, "threads");
    bench::say("read_bandwidth", bandwidth / 1e9, "GB/s");
    if (peak > 0) bench::say("fma_peak_avx2", peak / 1e9, "GFLOP/s");
    bench::measure_products(how, bandwidth, peak);
}
