// Life of one replica.
#include "policies/health/life.hpp"

namespace penstock::health {

void life::begin(bool needs_warmup, bool joins, time_point now) noexcept {
    *this = {};
    if (needs_warmup) return;
    up_ = replica_state::ready;
    ready_since_ = now;
    came_up_ = joins;
}

bool life::come_up(time_point now) noexcept {
    misses_ = 0;
    coming_ = resuming_ = false;
    if (up_ == replica_state::ready) return false;
    up_ = replica_state::ready;
    ready_since_ = now;
    came_up_ = true;
    return true;
}

void life::resume(time_point now) noexcept {
    away_ = replica_state::ready;
    if (up_ != replica_state::ready || now - away_since_ < cold_after) return;
    up_ = replica_state::starting;
    resuming_ = true;
    misses_ = 0;
}

bool life::probed(bool healthy, time_point now) noexcept {
    if (healthy) return come_up(now);
    if (up_ != replica_state::ready && !resuming_) return false;
    if (++misses_ < misses_until_dead) return false;
    up_ = replica_state::dead;
    resuming_ = false;
    return false;
}

bool life::said(replica_state what, time_point now) noexcept {
    switch (what) {
        case replica_state::ready:
            if (!is_away()) return come_up(now);
            resume(now);
            return false;
        case replica_state::cordoned:
        case replica_state::draining:
            if (!is_away()) away_since_ = now;
            away_ = what;
            return false;
        case replica_state::starting:
        case replica_state::dead:
            up_ = what;
            coming_ = what == replica_state::starting;
            resuming_ = false;
            misses_ = 0;
            return false;
        case replica_state::ejected:
            return false;
    }
    return false;
}

replica_state life::state() const noexcept {
    return is_away() && up_ == replica_state::ready ? away_ : up_;
}

}  // namespace penstock::health
