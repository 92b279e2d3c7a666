// What the strings of JSON decode to, and how strings are written.
#pragma once

#include "json_cursor.hpp"
#include "penstock/openai/facts.hpp"

#include <string>
#include <string_view>

namespace penstock::openai {

// Whether all of it is, in one quick look: it is then UTF-8, and of one kind.
bool is_ascii(std::string_view text) noexcept;

// Adds the decoded bytes of a validated string, by kind. `raw` is its text between the quotes.
void count_text(std::string_view raw, const json_string& string, text_bytes& into) noexcept;

// The same of a string whose text is known to be ASCII.
void count_ascii(const json_string& string, text_bytes& into) noexcept;

// The same of plain UTF-8.
void count_text(std::string_view text, text_bytes& into) noexcept;

// Decodes a validated string into at most `room` bytes at `out`; the last code point may be cut.
// Returns how many were written.
std::size_t decode_string(std::string_view raw, char* out, std::size_t room) noexcept;
std::string decoded_string(std::string_view raw);

// With its quotes. What is not UTF-8 becomes question marks, byte by byte.
void append_json_string(std::string& out, std::string_view text);

}  // namespace penstock::openai
