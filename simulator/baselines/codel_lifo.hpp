// The baseline of controlled delay with an adaptive queue, as Facebook's folly does it, its times
// scaled from a web server's to those of first tokens: overloaded while nobody in an interval of
// 2 s waited less than 0.5 s; then the newest goes first and who waited above 1 s is dropped.
#pragma once

#include "simulator/baselines/gate.hpp"

#include <algorithm>

namespace penstock::simulator {

class codel_lifo final : public gate {
 public:
    codel_lifo() : gate({}) {}

 private:
    static constexpr duration target = std::chrono::milliseconds(500);
    static constexpr duration interval = std::chrono::seconds(2);

    bool takes(const replica& r) const override { return r.in_flight < r.slots; }
    bool newest_first() const override { return overloaded_; }
    bool drops(duration waited, time_point now) override {
        if (now >= ends_) {
            overloaded_ = least_wait_ > target && least_wait_ != duration::max();
            ends_ = now + interval;
            least_wait_ = duration::max();
        }
        least_wait_ = std::min(least_wait_, waited);
        return overloaded_ && waited > 2 * target;
    }

    bool overloaded_ = false;
    duration least_wait_ = duration::max();
    time_point ends_{};
};

}  // namespace penstock::simulator
