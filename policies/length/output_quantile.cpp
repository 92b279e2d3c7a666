// How long answers get.
#include "policies/length/output_quantile.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace penstock::length {
namespace {

constexpr double share_below = 0.9;
constexpr std::uint32_t enough = 20;     // answers that speak for themselves
constexpr std::uint32_t too_many = 256;  // then all are halved

// ⌊2 log2 tokens⌋.
std::size_t half_octaves_of(std::uint64_t tokens) noexcept {
    constexpr std::uint64_t most = std::uint64_t{1} << 31;  // whose square still is a number
    const std::uint64_t t = std::clamp<std::uint64_t>(tokens, 1, most);
    const auto octaves = static_cast<std::size_t>(std::bit_width(t)) - 1;
    return 2 * octaves + (t * t >> (2 * octaves + 1));
}

}  // namespace

std::uint32_t output_belief::over(std::uint32_t otherwise) const noexcept {
    return static_cast<std::uint32_t>(std::lround(trust * tokens + (1 - trust) * otherwise));
}

void output_quantile::learn(std::uint64_t tokens) noexcept {
    ++answers_[std::min(half_octaves_of(tokens), num_buckets - 1)];
    if (++total_ < too_many) return;
    total_ = 0;
    for (std::uint16_t& each : answers_)
        total_ += each /= 2;
}

double output_quantile::quantile() const noexcept {
    double left = share_below * total_;
    std::size_t bucket = 0;
    for (; bucket + 1 < num_buckets && answers_[bucket] < left; ++bucket)
        left -= answers_[bucket];
    const double inside = left / std::max<double>(answers_[bucket], 1);
    return std::exp2((static_cast<double>(bucket) + inside) / 2);
}

output_belief output_quantile::belief() const noexcept {
    if (total_ == 0) return {};
    return {quantile(), std::min(1.0, double(total_) / enough)};
}

}  // namespace penstock::length
