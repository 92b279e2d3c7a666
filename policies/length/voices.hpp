// Whose lessons a model hears, so that no tenant alone tells what is true of all.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace penstock::length {

// A lesson that confirms is always heard. A surprising one is heard while its tenant gave no more
// of the last eight than is fair: a quarter, or its equal part where fewer than four tenants gave
// them. Who is alone is heard always, and who is not heard is heard again the 32nd time, so that a
// model that was exchanged is learned anew even where one tenant is nearly all of the traffic. A
// value, O(1).
class voices {
 public:
    bool hears(std::uint64_t tenant, bool surprises) noexcept {
        const std::uint32_t who = name(tenant);
        if (surprises && !is_fair(who) && ++unheard_ < patience) return false;
        unheard_ = 0;
        last_[next_] = who;
        next_ = (next_ + 1) % last_.size();
        return true;
    }

 private:
    static constexpr std::uint32_t patience = 32;
    static constexpr std::ptrdiff_t many = 4;

    static std::uint32_t name(std::uint64_t tenant) noexcept {
        return static_cast<std::uint32_t>(tenant >> 32 ^ tenant) | 1;  // 0 is nobody
    }

    bool is_fair(std::uint32_t who) const noexcept {
        std::array<std::uint32_t, 8> sorted = last_;
        std::sort(sorted.begin(), sorted.end());
        const auto end = std::unique(sorted.begin(), sorted.end());
        const auto tenants = end - sorted.begin() - (sorted.front() == 0 ? 1 : 0);
        const auto own = std::count(last_.begin(), last_.end(), who);
        return own * std::clamp<std::ptrdiff_t>(tenants, 1, many) <= std::ptrdiff_t(last_.size());
    }

    std::array<std::uint32_t, 8> last_{};  // heard
    std::uint32_t next_ = 0;
    std::uint32_t unheard_ = 0;
};

}  // namespace penstock::length
