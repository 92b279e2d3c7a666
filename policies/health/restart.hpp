// When a worker that died is started again: at once would burn a core on one that cannot start.
#pragma once

#include "penstock/clock.hpp"

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

}  // namespace penstock::health
