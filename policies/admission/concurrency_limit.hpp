// How many requests a replica should have in flight: additive increase, multiplicative decrease on
// what hurts those that run.
#pragma once

#include "policies/admission/quantile.hpp"
#include "policies/admission/tuning.hpp"

#include <cstdint>

namespace penstock::admission {

// N* of reference/routers.md 3.6. Begins at the most that is allowed and comes down by a tenth when
// the 90th percentile of time per output token passes its target, or the engine preempts, queues
// or refuses; goes up by one when nearly all of it was in use and tokens came well within the
// target, unless more in flight has brought no more tokens. At most one change in a second or two
// first-token times: the slow loop must be slower than what it measures.
class concurrency_limit {
 public:
    // `most` is what operator and engine allow; a limit above it comes down to it.
    void set_most(std::uint32_t most) noexcept;
    std::uint32_t value() const noexcept { return static_cast<std::uint32_t>(value_); }

    void in_flight(std::uint32_t now_running) noexcept;
    void saw_first_token(double seconds) noexcept { first_token_.see(seconds); }
    void saw_time_per_token(double seconds, std::uint32_t tokens) noexcept;
    void pressed() noexcept { pressed_ = true; }

    // True when it changed. `target` in seconds per token; 0: none.
    bool review(double target, const tuning& how, time_point now) noexcept;

    double time_per_token() const noexcept { return per_token_.value(); }  // p90, seconds
    double first_token() const noexcept { return first_token_.value(); }   // p90, seconds

 private:
    bool grows(double target, const tuning& how) const noexcept;
    void measure_throughput(time_point now) noexcept;

    double value_ = 0;
    std::uint32_t most_ = 0;
    std::uint32_t peak_ = 0;  // in flight since the last review
    bool pressed_ = false;
    quantile per_token_{0.9}, first_token_{0.9};
    std::uint32_t samples_ = 0;  // of time per token since the last change
    time_point reviewed_{};
    double tokens_ = 0;  // since the last review
    // Of requests in flight and tokens a second over the reviews, fading: for their correlation.
    double weight_ = 0, sum_n_ = 0, sum_t_ = 0, sum_nn_ = 0, sum_nt_ = 0;
};

}  // namespace penstock::admission
