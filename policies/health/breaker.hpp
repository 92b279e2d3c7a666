// Breaker of one replica: consecutive failures open it, one half-open probe at a time decides.
#pragma once

#include "penstock/contracts/admission.hpp"

namespace penstock::health {

// Closed → open after `failures` in a row → after `open_for` one request goes through as the probe:
// success closes, failure opens for twice as long (up to `open_for_max`), a neutral end (client
// gone, engine busy) lets another probe go. While it is open only the probe's result counts:
// answers to requests that were sent before the opening say nothing new.
class breaker {
 public:
    bool closed() const noexcept { return state_ == state::closed; }
    bool probe_due(time_point now) const noexcept { return state_ == state::open && now >= until_; }
    // When the next probe may go; `never` when closed or when the probe is out.
    time_point probe_at() const noexcept { return state_ == state::open ? until_ : never; }

    // Only when `probe_due`.
    void probe_sent() noexcept { state_ = state::half_open; }
    void succeeded(bool was_probe) noexcept;
    void failed(bool was_probe, time_point now, const breaker_settings& settings) noexcept;
    void ended_neutrally(bool was_probe) noexcept;
    void reset() noexcept { *this = {}; }

 private:
    enum class state : std::uint8_t { closed, open, half_open };

    state state_ = state::closed;
    std::uint32_t consecutive_ = 0;  // failures, while closed
    duration open_for_{};            // of the present opening
    time_point until_{};
};

}  // namespace penstock::health
