// What becomes of `max_tokens` under a model's hard cap.
#include "policies/length/cap.hpp"

#include <algorithm>
#include <limits>

namespace penstock::length {

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
