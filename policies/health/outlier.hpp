// Passive outlier ejection: a replica whose requests fail too often is left out for a while.
#pragma once

#include "penstock/contracts/admission.hpp"

#include <cstddef>

namespace penstock::health {

// Ends of one replica's requests over a sliding window, kept as two halves: what is looked at is
// between half and the whole of `window` old.
class outlier_window {
 public:
    void record(bool failed, time_point now, duration window) noexcept;
    // At least `min_requests` were seen and more than `failure_rate` of them failed.
    bool exceeds(const outlier_settings& settings) const noexcept;
    void clear() noexcept { *this = {}; }

 private:
    struct half {
        std::uint32_t requests = 0, failures = 0;
    };

    void turn(time_point now, duration window) noexcept;

    half current_, previous_;
    time_point began_{};  // of the current half
    bool any_ = false;
};

// Whether one more of a pool's replicas may be ejected: at most the share `max_ejected` of them, so
// that a fault common to all (a bad client, a bad model) cannot empty the pool.
bool may_eject(std::size_t ejected, std::size_t pool_size, double max_ejected) noexcept;

}  // namespace penstock::health
