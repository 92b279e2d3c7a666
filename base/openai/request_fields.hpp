// The members of request bodies that the gateway reads: which, of what type, and as what.
#pragma once

#include "json_cursor.hpp"
#include "penstock/openai/dialect.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace penstock::openai {

enum class field_role : std::uint8_t {
    model,
    stream,
    stream_options,
    copies,  // n and best_of: the larger counts
    max_tokens,
    messages,
    prompt,     // text, token ids, or lists of both; Responses: a stored prompt
    inputs,     // the same without the last
    content,    // text in any shape of chat content
    documents,  // a list of text, each an input
    tools,
    user,
    session,
    metadata,  // Anthropic: its user_id
    extra      // LiteLLM's own: cut out
};

struct field_row {
    std::string_view name;
    field_role role;
    std::uint8_t types;         // bits of json_type
    std::string_view expected;  // "'name' must be …"
    bool strip = false;
};

// The row of a top-level member, or -1.
int find_field(std::string_view name) noexcept;
const field_row& field_at(int row) noexcept;
constexpr std::uint8_t bit_of(json_type type) noexcept {
    return static_cast<std::uint8_t>(1u << static_cast<unsigned>(type));
}

// Members that a body must have, by dialect; ends at the first empty name.
const std::array<std::string_view, 2>& required_fields(dialect spoken) noexcept;

// How a member of an object somewhere in content counts.
enum class content_role : std::uint8_t {
    content,   // text, parts, or an object with either
    all_text,  // every string below it, names included: arguments of a tool call
    kind,      // its value names an image or sound, or not
    image,
    audio
};

// False: it does not count.
bool find_content(std::string_view name, content_role& role) noexcept;

inline constexpr std::size_t longest_field = 32;  // bytes; every name above is shorter

}  // namespace penstock::openai
