// The baseline of an adaptive limit: Netflix's Gradient2 over the time to the first token, one
// limit for all replicas alike; what is above it is refused at once.
#pragma once

#include "simulator/baselines/gate.hpp"

#include <algorithm>

namespace penstock::simulator {

// g = clamp(1.5 · long ÷ short, 0.5, 1), limit' = 0.8 · limit + 0.2 · (limit · g + 4), in windows
// of at least 1 s and 10 samples; `long` is an average over 600 windows that gives way by 5 % when
// it is above twice the short one. It does not grow while less than half of it is used. 20 to 200.
class gradient2 final : public gate {
 public:
    gradient2() : gate({.pending = 0}) {}

 private:
    static constexpr duration window = std::chrono::seconds(1);
    static constexpr int samples_min = 10;

    bool takes(const replica& r) const override { return r.in_flight < limit_; }

    void answered(duration ttft, std::uint32_t in_flight, time_point now) override {
        sum_ += seconds(ttft);
        ++samples_;
        most_in_flight_ = std::max(most_in_flight_, in_flight);
        if (now < ends_ || samples_ < samples_min) return;
        const double recent = sum_ / samples_;
        const bool used = most_in_flight_ >= limit_ / 2;
        sum_ = 0;
        samples_ = 0;
        most_in_flight_ = 0;
        ends_ = now + window;
        // The first windows are a plain mean, so that one odd beginning does not rule for minutes.
        ++windows_;
        long_ += (recent - long_) / std::min(windows_, 600);
        if (long_ > 2 * recent) long_ *= 0.95;
        if (!used) return;
        const double gradient = std::clamp(1.5 * long_ / recent, 0.5, 1.0);
        limit_ = std::clamp(0.8 * limit_ + 0.2 * (limit_ * gradient + 4), 20.0, 200.0);
    }

    double limit_ = 20;  // of each replica
    double sum_ = 0, long_ = 0;
    int samples_ = 0, windows_ = 0;
    std::uint32_t most_in_flight_ = 0;
    time_point ends_{};
};

}  // namespace penstock::simulator
