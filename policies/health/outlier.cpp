// Passive outlier ejection.
#include "policies/health/outlier.hpp"

namespace penstock::health {

void outlier_window::turn(time_point now, duration window) noexcept {
    if (!any_) {
        any_ = true;
        began_ = now;
        return;
    }
    const duration age = now - began_;
    if (age < window / 2) return;
    previous_ = age < window ? current_ : half{};
    current_ = {};
    began_ = now;
}

void outlier_window::record(bool failed, time_point now, duration window) noexcept {
    turn(now, window);
    ++current_.requests;
    if (failed) ++current_.failures;
}

bool outlier_window::exceeds(const outlier_settings& settings) const noexcept {
    const std::uint32_t requests = current_.requests + previous_.requests;
    const std::uint32_t failures = current_.failures + previous_.failures;
    return requests > 0 && requests >= settings.min_requests &&
           failures > settings.failure_rate * requests;
}

bool may_eject(std::size_t ejected, std::size_t pool_size, double max_ejected) noexcept {
    return static_cast<double>(ejected + 1) <= max_ejected * static_cast<double>(pool_size);
}

}  // namespace penstock::health
