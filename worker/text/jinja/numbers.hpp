// Text to numbers, as Python's int() and float() read it.
#pragma once

#include "worker/text/jinja/value.hpp"

#include <optional>
#include <string_view>

namespace penstock::worker::jinja {

// Base 0 or 2 to 36, as of int(text, base). Nothing: not a number, or one beyond 127 bits.
std::optional<integer> read_integer(std::string_view text, int base);
std::optional<double> read_real(std::string_view text);

}  // namespace penstock::worker::jinja
