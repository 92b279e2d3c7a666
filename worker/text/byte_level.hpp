// The alphabet in which byte-level vocabularies spell bytes: one printable character each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::worker {

// Appends the bytes that `spelled` stands for; false, with `out` as it was, if a character of it
// stands for none. GPT-2's table: a byte that is printable in Latin-1 is its own character, the
// others are U+0100 and on, in their order.
bool append_spelled_bytes(std::string_view spelled, std::string& out);

// What stands for one byte.
std::string spelling_of(std::uint8_t byte);

}  // namespace penstock::worker
