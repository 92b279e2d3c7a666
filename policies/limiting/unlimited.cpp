// Limiting that never refuses.
#include "policies/limiting/unlimited.hpp"

namespace penstock::limiting {

std::variant<reserved, limit_refusal> unlimited::reserve(
    const scope_list& scopes, const cost& cost, time_point
) {
    ++num_reserved_;
    slots_held_ += cost.slots;
    return reserved{scopes, cost};
}

void unlimited::settle(const reserved& what, const cost&, time_point) noexcept {
    ++num_settled_;
    slots_held_ -= what.what.slots;
}

}  // namespace penstock::limiting
