// What the engine's thread measures of its steps, and the copy of it that others may read.
#pragma once

#include "worker/engine/engine.hpp"

#include <cstdint>
#include <mutex>
#include <vector>

namespace penstock::worker {

// Tokens of a kind per second of the steps that computed some, the last dozen or so counting most.
class token_rate {
 public:
    void step(std::uint32_t tokens, double seconds) noexcept;
    double per_second() const noexcept { return seconds_ > 0 ? tokens_ / seconds_ : 0; }

 private:
    double tokens_ = 0, seconds_ = 0;
};

class first_token_times {
 public:
    first_token_times();
    void add(double seconds) noexcept;
    const std::vector<std::uint64_t>& cumulative() const noexcept { return buckets_; }
    double sum() const noexcept { return sum_; }

 private:
    std::vector<std::uint64_t> buckets_;
    double sum_ = 0;
};

// The lock is held for a copy.
class state_board {
 public:
    void publish(const engine_state& now) {
        const std::lock_guard lock(mutex_);
        state_ = now;
    }
    engine_state copy() const {
        const std::lock_guard lock(mutex_);
        return state_;
    }

 private:
    mutable std::mutex mutex_;
    engine_state state_;
};

}  // namespace penstock::worker
