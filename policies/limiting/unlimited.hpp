// Limiting that never refuses. It counts, so that a lost or a double settlement shows.
#pragma once

#include "penstock/contracts/limiting.hpp"

namespace penstock::limiting {

class unlimited final : public limiting_policy {
 public:
    std::variant<reserved, limit_refusal> reserve(
        const scope_list& scopes, const cost& cost, time_point now
    ) override;
    void settle(const reserved& what, const cost& actual, time_point now) noexcept override;

    std::uint64_t num_reserved() const noexcept { return num_reserved_; }
    std::uint64_t num_settled() const noexcept { return num_settled_; }
    // Parallel slots of all reservations that are not settled.
    std::int64_t slots_held() const noexcept { return slots_held_; }

 private:
    std::uint64_t num_reserved_ = 0;
    std::uint64_t num_settled_ = 0;
    std::int64_t slots_held_ = 0;
};

}  // namespace penstock::limiting
