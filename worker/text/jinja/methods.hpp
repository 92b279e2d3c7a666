// The methods of strings, lists and dictionaries.
#pragma once

#include "worker/text/jinja/workspace.hpp"

#include <string_view>

namespace penstock::worker::jinja {

// nullptr: the type has none, or not here.
const callable_row* find_method(kind of, std::string_view name) noexcept;
// What changes its object; Jinja's immutable sandbox refuses it.
bool is_refused_method(kind of, std::string_view name) noexcept;
// What Python has and we do not.
bool is_unknown_method(kind of, std::string_view name) noexcept;

std::span<const callable_row> text_methods() noexcept;
std::span<const callable_row> text_question_methods() noexcept;

// str.replace, str.split and str.strip, which filters share.
result<value> replace_in(
    workspace& space, const text& from, const text& old, const text& fresh, integer most
);
result<value> strip_of(
    workspace& space, const text& from, const value& chars, bool at_begin, bool at_end
);
result<value> join_strings(
    workspace& space, const text& between, const std::vector<value>& strings
);
// Lines as str.splitlines gives them: [begin, end) without and `next` behind the line's end.
struct line_span {
    std::size_t begin, end, next;
};
std::vector<line_span> lines_of(std::string_view text);
// str.center and its like: to so many code points.
result<value> padded(workspace& space, const text& from, integer width, const text& fill, int side);

// str.format, in format_string.cpp.
result<value> format_braces(workspace& space, const value& self, const arguments& given);

}  // namespace penstock::worker::jinja
