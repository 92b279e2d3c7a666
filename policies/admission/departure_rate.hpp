// How fast a pool's queue moves: departures per second while somebody waits.
#pragma once

#include "penstock/clock.hpp"

namespace penstock::admission {

// Little's law wants the rate of a stage that is busy: an idle model finishes as seldom as it is
// asked, which says nothing of its capacity. So time counts, and fades, only while somebody waits.
class departure_rate {
 public:
    void waiting_changed(bool somebody_waits, time_point now) noexcept;
    void departed(time_point now) noexcept;
    // 0: not known yet.
    double per_second() const noexcept;

 private:
    void pass(time_point now) noexcept;

    bool busy_ = false;
    time_point seen_{};
    double departures_ = 0;  // both fade with the same time constant, so that their quotient is a
    double seconds_ = 0;     // weighted mean from the first departure on
};

}  // namespace penstock::admission
