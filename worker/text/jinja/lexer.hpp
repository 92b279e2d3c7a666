// A template's source as tokens: text between tags, and what stands inside them.
#pragma once

#include "penstock/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::worker::jinja {

enum class token_type : std::uint8_t {
    data,            // text of the template, white space already controlled
    variable_begin,  // {{
    variable_end,
    block_begin,  // {%
    block_end,
    name,
    string,  // unescaped
    integer,
    real,
    sign,  // an operator or punctuation
    end,
};

struct token {
    token_type type = token_type::end;
    std::uint32_t line = 1;
    std::string text;

    bool is(token_type t, std::string_view s) const noexcept { return type == t && text == s; }
};

// With trim_blocks and lstrip_blocks, `{%-` and `{%+`, comments and raw blocks. Errors:
// invalid_value, with the line.
result<std::vector<token>> tokenize(std::string_view source);

error fault_at(std::uint32_t line, std::string_view what);

}  // namespace penstock::worker::jinja
