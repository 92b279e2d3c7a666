// Back-off between restarts.
#include "policies/health/restart.hpp"

#include <algorithm>

namespace penstock::health {

duration restart_backoff::died(duration ready_for, const restart_settings& settings) noexcept {
    const bool was_good = ready_for > duration::zero() && ready_for >= settings.reset_after;
    // Settings may have changed since the last death: the new bounds hold at once.
    const duration most = std::max(settings.first, settings.most);
    if (was_good || last_ == duration::zero())
        last_ = settings.first;
    else
        last_ = last_ >= most / 2 ? most : std::max(settings.first, last_ * 2);
    return last_;
}

replica_state state_until_restart(duration restart_in) noexcept {
    return restart_in <= worth_waiting_for ? replica_state::starting : replica_state::dead;
}

}  // namespace penstock::health
