// Values as text: Python's str() and repr(), and json.dumps.
#pragma once

#include "worker/text/jinja/workspace.hpp"

#include <string>
#include <string_view>

namespace penstock::worker::jinja {

void append_integer(std::string& out, integer i);
void append_real(std::string& out, double d);  // float.__repr__: the shortest that reads back
std::string repr_of(std::string_view string);

// Appends str(value): strings as they are, undefined as nothing, anything else as repr().
result<void> print(workspace& space, const value& v, text& out);
result<void> print_repr(workspace& space, const value& v, text& out);
// str(value) as a value; a string is itself.
result<value> to_string(workspace& space, const value& v);

struct json_style {
    bool ascii = false;
    bool sorted = false;
    bool broken = false;  // over lines, indented
    std::string indent;
    std::string item_separator = ", ", key_separator = ": ";
};

// json.dumps. The whole is the user's where any string in it has bytes of a user.
result<text> to_json(workspace& space, const value& v, const json_style& style);

}  // namespace penstock::worker::jinja
