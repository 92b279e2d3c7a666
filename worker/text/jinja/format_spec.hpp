// How one value is set in a format: width, sign, precision and kind.
#pragma once

#include "worker/text/jinja/workspace.hpp"

namespace penstock::worker::jinja {

struct format_spec {
    text fill = text(" ");
    char align = 0;  // < > ^ =; 0: as the type has it
    char sign = 0;   // + or space: also before what is not negative
    bool alternate = false;
    bool commas = false;
    std::size_t width = 0;
    int precision = -1;
    char type = 0;
};

inline constexpr std::size_t format_width_max = 1 << 20;
inline constexpr int format_precision_max = 300;

// Digits of a number with its sign and prefix, without padding. `sign_end`: where padding by `=`
// goes.
result<std::string> format_number(const value& v, const format_spec& spec, std::size_t& sign_end);
// Appends to `out`, padded to the width.
result<void> pad_into(
    workspace& space,
    const text& body,
    std::size_t sign_end,
    const format_spec& spec,
    char otherwise,
    text& out
);

}  // namespace penstock::worker::jinja
