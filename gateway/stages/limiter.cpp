// Reservations, settled once.
#include "gateway/stages/limiter.hpp"

#include "penstock/io/loop.hpp"

#include <utility>

namespace penstock::gateway {

void reservation::settle(const cost& actual) noexcept {
    if (limiter* owner = std::exchange(owner_, nullptr)) owner->settle(what_, actual);
}

void limiter::settle(const reserved& what, const cost& actual) noexcept {
    const time_point now = io::loop::exact_now();
    const std::lock_guard held(mutex_);
    policy_->settle(what, actual, now);
}

}  // namespace penstock::gateway
