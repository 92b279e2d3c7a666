// Reservations, settled once.
#include "gateway/stages/limiter.hpp"

#include <utility>

namespace penstock::gateway {

void reservation::settle(const cost& actual, time_point now) noexcept {
    if (limiter* owner = std::exchange(owner_, nullptr)) owner->settle(what_, actual, now);
}

void limiter::settle(const reserved& what, const cost& actual, time_point now) noexcept {
    const std::lock_guard held(mutex_);
    policy_->settle(what, actual, now);
}

}  // namespace penstock::gateway
