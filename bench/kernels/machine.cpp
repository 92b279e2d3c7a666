// Read bandwidth and the peak of multiply-adds: loops that do nothing else.
#include "figures.hpp"
#include "worker/ops/cpu/memory.hpp"
#include "worker/ops/cpu/thread_team.hpp"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace penstock::bench {
namespace {

using worker::thread_team;

constexpr std::size_t piece_bytes = 1 << 20;

// So that the compiler must compute what is measured.
volatile std::uint64_t kept_sum;
volatile float kept_float;

#if defined(__x86_64__)

__attribute__((target("avx2"))) std::uint64_t sum_piece(const std::byte* from) {
    const auto* at = reinterpret_cast<const __m256i*>(from);
    __m256i sums[4] = {};
    for (std::size_t i = 0; i < piece_bytes / sizeof(__m256i); i += 4)
        for (std::size_t k = 0; k < 4; ++k)
            sums[k] = _mm256_add_epi64(sums[k], _mm256_load_si256(at + i + k));
    const __m256i sum =
        _mm256_add_epi64(_mm256_add_epi64(sums[0], sums[1]), _mm256_add_epi64(sums[2], sums[3]));
    return std::uint64_t(_mm256_extract_epi64(sum, 0) + _mm256_extract_epi64(sum, 3));
}

// Twelve chains, as many as the largest tile of the kernels has: enough to hide the latency.
__attribute__((target("avx2,fma"))) float multiply_add(std::size_t times) {
    __m256 sums[12];
    for (auto& sum : sums)
        sum = _mm256_set1_ps(1);
    const __m256 factor = _mm256_set1_ps(0.999f), term = _mm256_set1_ps(0.001f);
    for (std::size_t i = 0; i < times; ++i)
#pragma GCC unroll 12
        for (auto& sum : sums)
            sum = _mm256_fmadd_ps(sum, factor, term);
    for (int i = 1; i < 12; ++i)
        sums[0] = _mm256_add_ps(sums[0], sums[i]);
    return _mm256_cvtss_f32(sums[0]);
}

bool has_avx2() {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

#else

std::uint64_t sum_piece(const std::byte* from) {
    std::uint64_t sums[8] = {};
    for (std::size_t i = 0; i < piece_bytes; i += sizeof sums)
        for (std::size_t k = 0; k < 8; ++k) {
            std::uint64_t word;
            std::memcpy(&word, from + i + 8 * k, sizeof word);
            sums[k] += word;
        }
    return sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5] + sums[6] + sums[7];
}

float multiply_add(std::size_t) {
    return 0;
}

bool has_avx2() {
    return false;
}

#endif

}  // namespace

double read_bandwidth(const settings& how) {
    const auto team = thread_team::start(how.threads).value();
    // Larger than the caches that one of these machines gives to a few cores.
    const std::size_t num_pieces = 1024;
    const auto memory = worker::map_memory(num_pieces * piece_bytes).value();
    auto* data = static_cast<std::byte*>(memory.data());
    team->run(num_pieces, [&](std::size_t i, unsigned) {
        std::memset(data + i * piece_bytes, int(i), piece_bytes);
    });
    const double seconds = fastest(how.seconds, [&] {
        team->run(num_pieces, [&](std::size_t i, unsigned) {
            kept_sum = sum_piece(data + i * piece_bytes);
        });
    });
    return double(num_pieces * piece_bytes) / seconds;
}

double fma_peak(const settings& how) {
    if (!has_avx2()) return 0;
    const auto team = thread_team::start(how.threads).value();
    constexpr std::size_t times = 20'000;
    const std::size_t pieces = 16 * how.threads;
    const double seconds = fastest(how.seconds, [&] {
        team->run(pieces, [&](std::size_t, unsigned) { kept_float = multiply_add(times); });
    });
    return double(pieces) * times * 12 * 8 * 2 / seconds;
}

}  // namespace penstock::bench
