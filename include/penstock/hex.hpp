// Numbers and bytes in hexadecimal digits, lower-case.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace penstock {

// Writes the last `num_digits` digits of a number, and returns the place behind them.
inline char* put_hex(char* at, std::uint64_t number, std::size_t num_digits) noexcept {
    for (std::size_t i = num_digits; i-- > 0; number >>= 4)
        at[i] = "0123456789abcdef"[number & 15];
    return at + num_digits;
}

inline void append_hex(std::string& out, std::uint64_t number, std::size_t num_digits) {
    out.resize(out.size() + num_digits);
    put_hex(out.data() + out.size() - num_digits, number, num_digits);
}

// Two digits for each byte, in order.
inline std::string hex_of(std::span<const unsigned char> bytes) {
    std::string text;
    text.reserve(2 * bytes.size());
    for (const unsigned char byte : bytes)
        append_hex(text, byte, 2);
    return text;
}

}  // namespace penstock
