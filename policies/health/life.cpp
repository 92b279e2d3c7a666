// Life of one replica.
#include "policies/health/life.hpp"

namespace penstock::health {

void life::begin(bool needs_warmup, time_point now) noexcept {
    *this = {};
    if (needs_warmup) return;
    up_ = replica_state::ready;
    ready_since_ = now;
}

bool life::come_up(time_point now) noexcept {
    misses_ = 0;
    coming_ = false;
    if (up_ == replica_state::ready) return false;
    up_ = replica_state::ready;
    ready_since_ = now;
    came_up_ = true;
    return true;
}

void life::resume(time_point now) noexcept {
    draining_ = false;
    if (up_ == replica_state::ready && now - draining_since_ >= cold_after)
        up_ = replica_state::starting;
}

bool life::probed(bool healthy, time_point now) noexcept {
    if (healthy) return come_up(now);
    if (up_ == replica_state::ready && ++misses_ >= misses_until_dead) up_ = replica_state::dead;
    return false;
}

bool life::said(replica_state what, time_point now) noexcept {
    switch (what) {
        case replica_state::ready:
            if (!draining_) return come_up(now);
            resume(now);
            return false;
        case replica_state::draining:
            if (!draining_) draining_since_ = now;
            draining_ = true;
            return false;
        case replica_state::starting:
        case replica_state::dead:
            up_ = what;
            coming_ = what == replica_state::starting;
            misses_ = 0;
            return false;
        case replica_state::ejected:
            return false;
    }
    return false;
}

replica_state life::state() const noexcept {
    return draining_ && up_ == replica_state::ready ? replica_state::draining : up_;
}

}  // namespace penstock::health
