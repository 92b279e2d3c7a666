// When a worker that died is started again, since at once would burn a core on one that cannot
// start, and what requests are told meanwhile.
#pragma once

#include "penstock/clock.hpp"
#include "penstock/contracts/admission.hpp"

#include <cstdint>

namespace penstock::health {

struct restart_settings {
    duration first = std::chrono::milliseconds(500);
    duration most = std::chrono::seconds(30);
    duration reset_after = std::chrono::minutes(1);
};

// Doubles from `first` to `most` with each death, and begins again after a life in which the worker
// was ready for `reset_after`.
class restart_backoff {
 public:
    // It died; `ready_for`: how long it had been ready, zero when it never was. How long to wait.
    duration died(duration ready_for, const restart_settings& settings) noexcept;
    void reset() noexcept { *this = {}; }

 private:
    duration last_{};  // zero: none yet, or forgotten
};

// Not a setting: how long a request waits at most is `classes.*.timeout`, and how near a restart is
// `worker.restart`. This only says from when on waiting is in vain more often than not.
inline constexpr duration worth_waiting_for = std::chrono::seconds(2);

// Of a worker that is started again in `restart_in`: starting, and its requests wait for it, when
// that is near; else dead, so that they go elsewhere or are refused at once.
replica_state state_until_restart(duration restart_in) noexcept;

}  // namespace penstock::health
