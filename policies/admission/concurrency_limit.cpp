// How many requests a replica should have in flight.
#include "policies/admission/concurrency_limit.hpp"

#include <algorithm>

namespace penstock::admission {
namespace {

constexpr double kept_reviews = 0.9;   // weight of a review against the next one
constexpr double reviews_to_know = 5;  // before a correlation means anything
// Variance of requests in flight below which nothing is known of what more of them would bring: a
// limit that stands still is tried again once what was seen before has faded.
constexpr double varied = 0.25;
constexpr std::uint32_t samples_to_know = 8;  // of time per token, before they lower the limit

}  // namespace

void concurrency_limit::set_most(std::uint32_t most) noexcept {
    const bool never_came_down = value_ >= most_;
    value_ = never_came_down ? most : std::min<double>(value_, most);
    most_ = most;
}

void concurrency_limit::in_flight(std::uint32_t now_running) noexcept {
    peak_ = std::max(peak_, now_running);
}

void concurrency_limit::saw_time_per_token(double seconds, std::uint32_t tokens) noexcept {
    if (seconds <= 0) return;
    per_token_.see(seconds);
    ++samples_;
    tokens_ += tokens;
}

bool concurrency_limit::grows(double target, const tuning& how) const noexcept {
    // Of whole requests: what the fraction allows nobody can use.
    if (value_ >= most_ || peak_ < how.grow_when_used * value()) return false;
    if (target > 0 && per_token_.value() >= how.grow_below * target) return false;
    if (weight_ < reviews_to_know) return true;
    const double mean = sum_n_ / weight_;
    const double variance = sum_nn_ / weight_ - mean * mean;
    const double covariance = sum_nt_ / weight_ - mean * sum_t_ / weight_;
    return variance < varied || covariance >= 0;
}

void concurrency_limit::measure_throughput(time_point now) noexcept {
    const double span = seconds(now - reviewed_);
    const double rate = span > 0 ? tokens_ / span : 0;
    const double n = peak_;
    weight_ = weight_ * kept_reviews + 1;
    sum_n_ = sum_n_ * kept_reviews + n;
    sum_t_ = sum_t_ * kept_reviews + rate;
    sum_nn_ = sum_nn_ * kept_reviews + n * n;
    sum_nt_ = sum_nt_ * kept_reviews + n * rate;
}

bool concurrency_limit::review(double target, const tuning& how, time_point now) noexcept {
    const duration two_first_tokens = std::chrono::duration_cast<duration>(
        std::chrono::duration<double>(std::min(2 * first_token_.value(), 60.0))
    );
    if (now < reviewed_ + std::max(how.limit_period, two_first_tokens)) return false;
    measure_throughput(now);
    const std::uint32_t before = value();
    const bool slow = target > 0 && samples_ >= samples_to_know && per_token_.value() > target;
    if (pressed_ || slow) {
        value_ = std::max(1.0, value_ * how.limit_decrease);
        samples_ = 0;
    } else if (grows(target, how)) {
        value_ = std::min<double>(most_, value_ + 1);
    }
    pressed_ = false;
    peak_ = 0;
    tokens_ = 0;
    reviewed_ = now;
    return value() != before;
}

}  // namespace penstock::admission
