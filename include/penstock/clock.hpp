// Time as values. Policies are given `now`; only floor 2 and base/io read a clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace penstock {

using duration = std::chrono::nanoseconds;
using time_point = std::chrono::time_point<std::chrono::steady_clock, duration>;

inline constexpr time_point never = time_point::max();

// `now + wait` that stays `never` instead of overflowing.
constexpr time_point after(time_point now, duration wait) noexcept {
    return wait > never - now ? never : now + wait;
}

// Monotonic microseconds, the unit of the log and the trace.
constexpr std::int64_t micros(time_point t) noexcept {
    return std::chrono::duration_cast<std::chrono::microseconds>(t.time_since_epoch()).count();
}

constexpr double seconds(duration d) noexcept {
    return std::chrono::duration<double>(d).count();
}

}  // namespace penstock
