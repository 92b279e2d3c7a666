// Slow start.
#include "policies/health/slow_start.hpp"

namespace penstock::health {
namespace {

// How long after the start the limit is `limit`, rounded up to a nanosecond, so that asking at the
// returned time finds the growth done.
duration reached_after(std::uint32_t limit, std::uint32_t slots, duration span) noexcept {
    const auto steps = static_cast<std::int64_t>(slots) - 1;
    const auto whole = span.count() / steps, rest = span.count() % steps;
    const auto done = static_cast<std::int64_t>(limit) - 1;
    return duration{whole * done + (rest * done + steps - 1) / steps};
}

}  // namespace

std::uint32_t slow_start_limit(
    std::uint32_t slots, time_point since, duration span, time_point now
) noexcept {
    if (slots <= 1 || now - since >= span) return slots;
    if (now <= since) return 1;
    const double share = seconds(now - since) / seconds(span);
    auto limit = 1 + static_cast<std::uint32_t>(share * (slots - 1));
    // The quotient is rounded; `reached_after` is exact and decides.
    while (limit > 1 && now - since < reached_after(limit, slots, span))
        --limit;
    while (limit < slots && now - since >= reached_after(limit + 1, slots, span))
        ++limit;
    return limit;
}

time_point slow_start_growth(
    std::uint32_t slots, time_point since, duration span, time_point now
) noexcept {
    const std::uint32_t limit = slow_start_limit(slots, since, span, now);
    if (limit >= slots) return never;
    return after(since, reached_after(limit + 1, slots, span));
}

}  // namespace penstock::health
