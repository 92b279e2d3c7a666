// JSON values written into memory that the caller has sized: what both logs are made with.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::observe {

// Bytes that a string may need with its quotes and escapes.
constexpr std::size_t json_string_size_max(std::string_view text) noexcept {
    return 6 * text.size() + 2;
}

// Each returns the end of what it wrote. Strings are in quotes; control bytes, quotes and
// backslashes are escaped, and what is not UTF-8 becomes U+FFFD.
char* put_json_string(char* at, std::string_view text) noexcept;

// RFC 3339 in UTC with milliseconds, in quotes: 26 bytes.
char* put_json_time(char* at, std::int64_t unix_ms) noexcept;

inline constexpr std::size_t number_size_max = 32;

template <class T>
char* put_number(char* at, T value) noexcept {
    return std::to_chars(at, at + number_size_max, value).ptr;
}

void append_json_string(std::string& out, std::string_view text);

}  // namespace penstock::observe
