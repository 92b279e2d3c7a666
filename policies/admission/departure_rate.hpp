// How fast a stage gives up its work: departures per second while somebody waits.
#pragma once

#include "penstock/clock.hpp"

namespace penstock::admission {

// Little's law wants the rate of a stage that is busy: an idle model finishes as seldom as it is
// asked, which says nothing of its capacity. So time counts, and fades, only while somebody waits.
// What departs is counted in any unit: requests, or tokens.
class departure_rate {
 public:
    // `fade` is the time after which a measurement weighs 1/e.
    explicit departure_rate(duration fade) noexcept : fade_seconds_(seconds(fade)) {}
    departure_rate() noexcept : departure_rate(std::chrono::seconds(30)) {}

    void waiting_changed(bool somebody_waits, time_point now) noexcept;
    void departed(time_point now, double amount = 1) noexcept;
    // 0: not known yet.
    double per_second() const noexcept;

 private:
    void pass(time_point now) noexcept;

    double fade_seconds_;
    bool busy_ = false;
    time_point seen_{};
    double departures_ = 0;  // both fade with the same time constant, so that their quotient is a
    double seconds_ = 0;     // weighted mean from the first departure on
};

}  // namespace penstock::admission
