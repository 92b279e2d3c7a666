// Breaker of one replica.
#include "policies/health/breaker.hpp"

#include <algorithm>

namespace penstock::health {

void breaker::succeeded(bool was_probe) noexcept {
    if (closed() || (was_probe && state_ == state::half_open)) reset();
}

void breaker::failed(bool was_probe, time_point now, const breaker_settings& settings) noexcept {
    if (closed()) {
        if (++consecutive_ < settings.failures) return;
        open_for_ = settings.open_for;
    } else if (was_probe && state_ == state::half_open) {
        open_for_ = std::min(open_for_ * 2, std::max(settings.open_for, settings.open_for_max));
    } else {
        return;
    }
    state_ = state::open;
    until_ = after(now, open_for_);
}

void breaker::ended_neutrally(bool was_probe) noexcept {
    if (was_probe && state_ == state::half_open) state_ = state::open;
}

}  // namespace penstock::health
