// UTF-8 read character by character, and what stands for bytes that are none.
#pragma once

#include "worker/text/moved_ranges.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::worker {

inline constexpr std::string_view replacement_character = "\xEF\xBF\xBD";  // U+FFFD

// What stands at the beginning of some bytes. `broken` names the longest stretch that begins as a
// character does (Unicode 3.9, table 3-7), so that one U+FFFD takes its place, as in Python's
// `errors="replace"`; `cut` means that the bytes end within a character.
struct utf8_step {
    enum class kind : std::uint8_t { whole, broken, cut };
    kind what = kind::whole;
    unsigned length = 0;
};

utf8_step utf8_at(std::string_view bytes) noexcept;  // not empty

// Index of the first byte that is not part of a whole character; size() when there is none.
std::size_t valid_utf8_prefix(std::string_view bytes) noexcept;

// `text` with every broken stretch as U+FFFD; `ranges` hears of each stretch.
std::string replace_broken_utf8(std::string_view text, moved_ranges& ranges);

inline bool continues_utf8(char byte) noexcept {
    return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

// One character of text that is known to be UTF-8.
struct utf8_character {
    char32_t code;
    unsigned length;
};

inline utf8_character read_valid_utf8(const char* at) noexcept {
    const auto byte = [at](int i) -> char32_t { return static_cast<unsigned char>(at[i]); };
    const char32_t lead = byte(0);
    if (lead < 0x80) return {lead, 1};
    if (lead < 0xE0) return {(lead & 0x1F) << 6 | (byte(1) & 0x3F), 2};
    if (lead < 0xF0) return {(lead & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
    return {
        (lead & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F), 4
    };
}

}  // namespace penstock::worker
