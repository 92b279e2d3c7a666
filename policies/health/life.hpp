// Life of one replica as probes, supervisor and operator tell it: starting, ready, cordoned,
// draining, dead.
#pragma once

#include "penstock/contracts/admission.hpp"

namespace penstock::health {

// Probes that must fail in a row before a ready replica is dead: one lost packet is no death.
inline constexpr std::uint32_t misses_until_dead = 2;

// A replica that an operator kept away for so long comes back as a new one does: its caches are
// cold.
inline constexpr duration cold_after = std::chrono::minutes(1);

// A replica that is starting or dead becomes ready with the first healthy probe; who probes it has
// warmed it before saying so. Cordoned and draining are an operator's words: probes do not end
// them, `ready` does, and then only a probe says that it is up when it was away for long or was not
// up.
class life {
 public:
    // A replica that needs no warm-up is believed to be up until probes say otherwise: with all its
    // slots at the gateway's own start, since its engines are as warm as before; one that joins
    // later starts slowly.
    void begin(bool needs_warmup, bool joins, time_point now) noexcept;

    // Both return true when the replica came up anew: what was counted against it before is void.
    bool probed(bool healthy, time_point now) noexcept;
    bool said(replica_state what, time_point now) noexcept;

    // Never `ejected`, which is the outlier's.
    replica_state state() const noexcept;
    time_point ready_since() const noexcept { return ready_since_; }
    // It will be up, or be known to be dead, before long: whoever starts it says that it is
    // starting, or whoever cordoned it when it was up will resume it, or has and it is to be
    // probed.
    bool is_coming() const noexcept {
        if (away_ == replica_state::draining) return false;
        return coming_ || resuming_ ||
               (away_ == replica_state::cordoned && up_ == replica_state::ready);
    }
    // It came up while we watched: the slow start runs from `ready_since`.
    bool came_up() const noexcept { return came_up_; }

 private:
    bool come_up(time_point now) noexcept;
    void resume(time_point now) noexcept;
    bool is_away() const noexcept { return away_ != replica_state::ready; }

    replica_state up_ = replica_state::starting;  // starting, ready or dead
    replica_state away_ = replica_state::ready;   // cordoned or draining: an operator's word
    bool came_up_ = false;
    bool coming_ = false;    // somebody starts it
    bool resuming_ = false;  // from a long absence: the next probes tell
    std::uint32_t misses_ = 0;
    time_point away_since_{};
    time_point ready_since_{};
};

}  // namespace penstock::health
