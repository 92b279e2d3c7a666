// What becomes of `max_tokens` under a model's hard cap.
#pragma once

#include <cstdint>
#include <optional>

namespace penstock::length {

enum class over_cap : std::uint8_t { clamp, refuse };

struct cap_choice {
    enum class what : std::uint8_t {
        leave,   // the client's own value stands, or its absence
        clamp,   // every spelling is set to `limit`
        insert,  // the client said nothing: `limit` is added
        refuse,  // errc::over_cap
    } what = what::leave;
    std::uint32_t limit = 0;  // tokens of each answer from now on; 0: none known
};

// `asked` is the smallest of the client's spellings; `cap` 0 is none.
cap_choice apply_cap(std::optional<std::uint64_t> asked, std::uint32_t cap, over_cap over) noexcept;

}  // namespace penstock::length
