// Slow start: an engine that has just come up gets its slots one after the other.
#pragma once

#include "penstock/clock.hpp"

#include <cstdint>

namespace penstock::health {

// Slots of a replica that became ready at `since`: 1 then, growing evenly to `slots` over `span`.
// Caches and graphs of a restarted engine are cold, and a full batch of cold prefills is the
// slowest answer that it can give. 0 only when `slots` is 0.
std::uint32_t slow_start_limit(
    std::uint32_t slots, time_point since, duration span, time_point now
) noexcept;

// When that limit next grows after `now`; `never` once all slots are there.
time_point slow_start_growth(
    std::uint32_t slots, time_point since, duration span, time_point now
) noexcept;

}  // namespace penstock::health
