// Searching bytes for what ends a line or may not stand in one, sixteen at a time where SSE2 is
// there (it is on every x86-64), and the character classes of RFC 9110.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace penstock::http {

// The first CR or LF; `end` when there is none.
inline const char* find_line_end(const char* p, const char* end) noexcept {
#if defined(__SSE2__)
    const __m128i cr = _mm_set1_epi8('\r'), lf = _mm_set1_epi8('\n');
    for (; end - p >= 16; p += 16) {
        const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
        const __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(v, cr), _mm_cmpeq_epi8(v, lf));
        if (const int mask = _mm_movemask_epi8(hit)) return p + __builtin_ctz(mask);
    }
#endif
    while (p != end && *p != '\r' && *p != '\n')
        ++p;
    return p;
}

constexpr bool is_control(char c) noexcept {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

// The first control byte, tabs and line ends among them; `end` when there is none.
inline const char* find_control(const char* p, const char* end) noexcept {
#if defined(__SSE2__)
    const __m128i low = _mm_set1_epi8(0x1f), del = _mm_set1_epi8(0x7f);
    for (; end - p >= 16; p += 16) {
        const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
        const __m128i is_low = _mm_cmpeq_epi8(_mm_min_epu8(v, low), v);
        const __m128i hit = _mm_or_si128(is_low, _mm_cmpeq_epi8(v, del));
        if (const int mask = _mm_movemask_epi8(hit)) return p + __builtin_ctz(mask);
    }
#endif
    while (p != end && !is_control(*p))
        ++p;
    return p;
}

inline constexpr std::array<bool, 256> token_chars = [] {
    std::array<bool, 256> table{};
    for (int c = '0'; c <= '9'; ++c)
        table[c] = true;
    for (int c = 'a'; c <= 'z'; ++c)
        table[c] = table[c - 'a' + 'A'] = true;
    for (const unsigned char c : std::string_view("!#$%&'*+-.^_`|~"))
        table[c] = true;
    return table;
}();

constexpr bool is_token_char(char c) noexcept {
    return token_chars[static_cast<unsigned char>(c)];
}

// Past the token at `p`, which may be empty.
inline const char* skip_token(const char* p, const char* end) noexcept {
    while (p != end && is_token_char(*p))
        ++p;
    return p;
}

constexpr bool is_token(std::string_view s) noexcept {
    for (const char c : s)
        if (!is_token_char(c)) return false;
    return !s.empty();
}

constexpr bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t';
}

constexpr std::string_view trim_blanks(std::string_view s) noexcept {
    while (!s.empty() && is_blank(s.front()))
        s.remove_prefix(1);
    while (!s.empty() && is_blank(s.back()))
        s.remove_suffix(1);
    return s;
}

// Digits alone, at least one, within 64 bits.
inline bool read_decimal(std::string_view s, std::uint64_t& out) noexcept {
    const auto [end, failed] = std::from_chars(s.data(), s.data() + s.size(), out);
    return failed == std::errc{} && end == s.data() + s.size();
}

// Calls `visit(item)` for each trimmed, non-empty item of a comma-separated value.
template <class Visit>
void for_each_item(std::string_view value, Visit&& visit) {
    while (!value.empty()) {
        const auto comma = value.find(',');
        const auto item = trim_blanks(value.substr(0, comma));
        if (!item.empty()) visit(item);
        if (comma == value.npos) return;
        value.remove_prefix(comma + 1);
    }
}

constexpr int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace penstock::http
