// Strings as Python sees them: code points, white space and case over UTF-8.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::worker::jinja {

// The code point at `at`, which moves behind it. A byte that begins none is read alone, as
// 0xdc00 + byte, like Python's surrogateescape.
char32_t next_code_point(std::string_view text, std::size_t& at) noexcept;
// Where the code point that ends at `end` begins.
std::size_t before_code_point(std::string_view text, std::size_t end) noexcept;
std::size_t count_code_points(std::string_view text) noexcept;
// Byte offset of the code point number `index`; the size behind the last.
std::size_t offset_of_code_point(std::string_view text, std::size_t index) noexcept;
void append_code_point(std::string& out, char32_t code);

bool is_space(char32_t code) noexcept;      // str.isspace
bool is_printable(char32_t code) noexcept;  // str.isprintable
bool is_cased(char32_t code) noexcept;
bool is_upper(char32_t code) noexcept;
bool is_lower(char32_t code) noexcept;
bool is_alpha(char32_t code) noexcept;
bool is_digit(char32_t code) noexcept;    // str.isdigit
bool is_decimal(char32_t code) noexcept;  // str.isdecimal
bool is_numeric(char32_t code) noexcept;  // str.isnumeric
bool is_word(char32_t code) noexcept;     // \w

// str.isupper, str.islower: at least one cased character and none of the other case.
bool is_upper(std::string_view text) noexcept;
bool is_lower(std::string_view text) noexcept;

std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);
std::string capitalized(std::string_view text);   // str.capitalize
std::string title_cased(std::string_view text);   // str.title
std::string swapped_case(std::string_view text);  // str.swapcase

// Without white space, or without the code points of `chars`, at its ends: [begin, end).
struct stretch {
    std::size_t begin, end;
};
stretch stripped(
    std::string_view text, std::optional<std::string_view> chars, bool at_begin, bool at_end
);

}  // namespace penstock::worker::jinja
