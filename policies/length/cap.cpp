// What becomes of `max_tokens` under hard caps.
#include "policies/length/cap.hpp"

#include <algorithm>
#include <limits>

namespace penstock::length {

std::uint32_t tightest(std::initializer_list<std::uint32_t> caps) noexcept {
    std::uint32_t least = 0;
    for (const std::uint32_t cap : caps)
        if (cap != 0 && (least == 0 || cap < least)) least = cap;
    return least;
}

cap_choice apply_cap(
    std::optional<std::uint64_t> asked, std::uint32_t cap, over_cap over
) noexcept {
    using what = enum cap_choice::what;
    if (!asked) return {cap == 0 ? what::leave : what::insert, cap};
    const what above = over == over_cap::refuse ? what::refuse : what::clamp;
    if (cap != 0 && *asked > cap) return {above, cap};
    constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
    return {what::leave, static_cast<std::uint32_t>(std::min(*asked, most))};
}

}  // namespace penstock::length
