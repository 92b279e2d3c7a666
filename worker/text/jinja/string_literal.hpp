// The escapes of a template's string literals, which are Python's.
#pragma once

#include <string>
#include <string_view>

namespace penstock::worker::jinja {

// False for an escape that is cut short, names no code point, or is \N{…}, which we do not read.
bool unescape(std::string_view body, std::string& out);

}  // namespace penstock::worker::jinja
