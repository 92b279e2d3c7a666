// Retry budget of one model.
#include "policies/retry/budget.hpp"

#include <algorithm>

namespace penstock::retry {
namespace {

// A tenth is no binary fraction: ten of them must make one.
constexpr double whole = 1 - 1e-9;

}  // namespace

void budget::request_came() noexcept {
    earned_ = std::min(settings_.cap, earned_ + settings_.ratio);
}

void budget::refill(time_point now) noexcept {
    if (started_ && settings_.per > duration::zero()) {
        const double earned = settings_.floor * (seconds(now - refilled_) / seconds(settings_.per));
        floor_ = std::min(settings_.floor, floor_ + earned);
    }
    started_ = true;
    refilled_ = now;
}

bool budget::take(time_point now) noexcept {
    refill(now);
    double& from = earned_ >= whole ? earned_ : floor_;
    if (from < whole) return false;
    from = std::max(0.0, from - 1);
    return true;
}

void budget::settings_changed(const budget_settings& settings) noexcept {
    settings_ = settings;
    earned_ = std::min(earned_, settings.cap);
    floor_ = std::min(floor_, settings.floor);
}

}  // namespace penstock::retry
