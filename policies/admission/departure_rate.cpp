// How fast a stage gives up its work.
#include "policies/admission/departure_rate.hpp"

#include <cmath>

namespace penstock::admission {
namespace {

constexpr double shortest_seconds = 1e-3;  // below it a quotient is noise

}  // namespace

void departure_rate::pass(time_point now) noexcept {
    if (busy_ && now > seen_) {
        const double kept = std::exp(-seconds(now - seen_) / fade_seconds_);
        departures_ *= kept;
        seconds_ = seconds_ * kept + fade_seconds_ * (1 - kept);
    }
    seen_ = now;
}

void departure_rate::waiting_changed(bool somebody_waits, time_point now) noexcept {
    if (somebody_waits == busy_) return;
    pass(now);
    busy_ = somebody_waits;
}

void departure_rate::departed(time_point now, double amount) noexcept {
    if (!busy_) return;
    pass(now);
    departures_ += amount;
}

double departure_rate::per_second() const noexcept {
    return departures_ > 0 && seconds_ >= shortest_seconds ? departures_ / seconds_ : 0;
}

}  // namespace penstock::admission
