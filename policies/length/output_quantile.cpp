// How long answers get.
#include "policies/length/output_quantile.hpp"

#include <algorithm>
#include <cmath>

namespace penstock::length {
namespace {

constexpr double share_below = 0.9;
constexpr std::uint32_t enough = 20;     // answers that speak for themselves
constexpr std::uint32_t too_many = 256;  // then all are halved

}  // namespace

void output_quantile::learn(std::uint64_t tokens) noexcept {
    const double half_octaves =
        2 * std::log2(static_cast<double>(std::max<std::uint64_t>(tokens, 1)));
    const auto bucket = std::min(static_cast<std::size_t>(half_octaves), num_buckets - 1);
    ++answers_[bucket];
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

std::uint32_t output_quantile::typical(std::uint32_t otherwise) const noexcept {
    if (total_ == 0) return otherwise;
    const double trust = std::min(1.0, double(total_) / enough);
    return static_cast<std::uint32_t>(std::lround(trust * quantile() + (1 - trust) * otherwise));
}

}  // namespace penstock::length
