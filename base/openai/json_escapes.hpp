// What stands behind a backslash in a JSON string.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace penstock::openai {

// What `\x` decodes to; zero: no such escape, or `\u`.
inline constexpr std::array<char, 256> escape_letters = [] {
    std::array<char, 256> letters{};
    constexpr std::string_view names = "\"\\/bfnrt", meant = "\"\\/\b\f\n\r\t";
    for (std::size_t i = 0; i < names.size(); ++i)
        letters[static_cast<unsigned char>(names[i])] = meant[i];
    return letters;
}();

inline constexpr std::array<std::uint8_t, 256> hex_digits = [] {
    std::array<std::uint8_t, 256> digits{};
    digits.fill(0xff);
    for (std::uint8_t i = 0; i < 10; ++i)
        digits['0' + i] = i;
    for (std::uint8_t i = 0; i < 6; ++i)
        digits['a' + i] = digits['A' + i] = static_cast<std::uint8_t>(10 + i);
    return digits;
}();

// Of four digits; negative when one is none.
inline int hex_value(const char* p) noexcept {
    const auto digit = [p](int i) -> int { return hex_digits[static_cast<unsigned char>(p[i])]; };
    const int a = digit(0), b = digit(1), c = digit(2), d = digit(3);
    return (a | b | c | d) > 0xf ? -1 : a << 12 | b << 8 | c << 4 | d;
}

}  // namespace penstock::openai
