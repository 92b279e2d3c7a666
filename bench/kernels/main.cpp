// Figures of the CPU kernels beside what the machine gives, measured in the same run.
//
//     bench_kernels [--threads N] [--seconds S] [--kernels avx512|avx2|portable]
#include "bench/kernels/figures.hpp"
#include "worker/ops/cpu/thread_team.hpp"

#include <cstdlib>
#include <optional>
#include <string>

namespace penstock::bench {
namespace {

const worker::cpu_kernels* find_kernels(const std::string& set) {
    for (const auto* kernels : worker::usable_kernels())
        if (kernels->name == "cpu " + set) return kernels;
    return nullptr;
}

std::optional<settings> read_arguments(int argc, char** argv) {
    settings how{
        .threads = worker::num_usable_cores(), .kernels = worker::usable_kernels().front()
    };
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc) return std::nullopt;
        const std::string name = argv[i], value = argv[i + 1];
        if (name == "--threads")
            how.threads = unsigned(std::max(1, std::atoi(value.c_str())));
        else if (name == "--seconds")
            how.seconds = std::max(0.01, std::atof(value.c_str()));
        else if (name == "--kernels" && find_kernels(value))
            how.kernels = find_kernels(value);
        else
            return std::nullopt;
    }
    return how;
}

}  // namespace
}  // namespace penstock::bench

int main(int argc, char** argv) {
    using namespace penstock;
    const auto how = bench::read_arguments(argc, argv);
    if (!how) {
        std::fprintf(
            stderr, "usage: %s [--threads N] [--seconds S] [--kernels SET]\nSETs here:", argv[0]
        );
        for (const auto* kernels : worker::usable_kernels())
            std::fprintf(stderr, " %s", kernels->name + 4);
        std::fprintf(stderr, "\n");
        return 2;
    }
    const double bandwidth = bench::read_bandwidth(*how), peak = bench::fma_peak(*how);
    bench::say("threads", how->threads, "threads");
    bench::say("lanes", double(how->kernels->lanes), "floats");
    bench::say("read_bandwidth", bandwidth / 1e9, "GB/s");
    if (peak > 0) bench::say("fma_peak", peak / 1e9, "GFLOP/s");
    bench::measure_products(*how, bandwidth, peak);
}
