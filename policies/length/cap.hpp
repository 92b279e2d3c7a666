// What becomes of `max_tokens` under the hard caps of a model, a key and a pool.
#pragma once

#include <cstdint>
#include <initializer_list>
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

// The smallest of several caps, of which 0 is none.
std::uint32_t tightest(std::initializer_list<std::uint32_t> caps) noexcept;

// `asked` is the smallest of the client's spellings; `cap` 0 is none.
cap_choice apply_cap(std::optional<std::uint64_t> asked, std::uint32_t cap, over_cap over) noexcept;

}  // namespace penstock::length
