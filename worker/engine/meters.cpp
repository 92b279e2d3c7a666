// Rates and the histogram of times to the first token.
#include "worker/engine/meters.hpp"

#include <algorithm>
#include <array>

namespace penstock::worker {
namespace {

constexpr std::array bounds{
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0
};
constexpr double kept = 0.9;  // of the past, each step

}  // namespace

std::span<const double> ttft_bounds() noexcept {
    return bounds;
}

// Both sums fade, so that a long step counts for its length.
void token_rate::step(std::uint32_t tokens, double seconds) noexcept {
    if (tokens == 0) return;
    tokens_ = tokens_ * kept + tokens;
    seconds_ = seconds_ * kept + seconds;
}

first_token_times::first_token_times() : buckets_(bounds.size() + 1) {}

void first_token_times::add(double seconds) noexcept {
    const auto at = std::ranges::lower_bound(bounds, seconds) - bounds.begin();
    for (auto i = static_cast<std::size_t>(at); i < buckets_.size(); ++i)
        ++buckets_[i];
    sum_ += seconds;
}

}  // namespace penstock::worker
