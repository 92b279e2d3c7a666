// Life of one replica as probes, supervisor and operator tell it: starting, ready, draining, dead.
#pragma once

#include "penstock/contracts/admission.hpp"

namespace penstock::health {

// Probes that must fail in a row before a ready replica is dead: one lost packet is no death.
inline constexpr std::uint32_t misses_until_dead = 2;

// A replica that an operator kept away for so long comes back as a new one does: its caches are
// cold.
inline constexpr duration cold_after = std::chrono::minutes(1);

// A replica that is starting or dead becomes ready with the first healthy probe; who probes it has
// warmed it before saying so. Draining is an operator's word: probes do not end it, `ready` does,
// and then only a probe says that it is up when it was away for long or was not up.
class life {
 public:
    // A replica that needs no warm-up is believed to be up, with all its slots, until probes say
    // otherwise: after a restart of the gateway its engines are as warm as before.
    void begin(bool needs_warmup, time_point now) noexcept;

    // Both return true when the replica came up anew: what was counted against it before is void.
    bool probed(bool healthy, time_point now) noexcept;
    bool said(replica_state what, time_point now) noexcept;

    // Never `ejected`, which is the outlier's.
    replica_state state() const noexcept;
    time_point ready_since() const noexcept { return ready_since_; }
    // Whoever starts it says that it is starting: it will be up, or be said to be dead, before
    // long.
    bool is_coming() const noexcept { return coming_ && !draining_; }
    // It came up while we watched: the slow start runs from `ready_since`.
    bool came_up() const noexcept { return came_up_; }

 private:
    bool come_up(time_point now) noexcept;
    void resume(time_point now) noexcept;

    replica_state up_ = replica_state::starting;  // starting, ready or dead
    bool draining_ = false;
    bool came_up_ = false;
    bool coming_ = false;
    std::uint32_t misses_ = 0;
    time_point draining_since_{};
    time_point ready_since_{};
};

}  // namespace penstock::health
