// The lines of a head, in one pass that lets nothing through which two parsers could read as two
// different sets of lines: only CRLF ends a line, no other control byte but the tab stands in one.
#pragma once

#include "penstock/http/head.hpp"
#include "scan.hpp"

#include <cstdint>
#include <string_view>

namespace penstock::http {

enum class line_fault : std::uint8_t {
    none,
    bare_cr,
    bare_lf,
    control_byte,
    folded,  // a line that starts with white space and so continues the one before
    no_start_line,
    not_ended,    // no empty line at the end
    bytes_after,  // something after the empty line
    refused       // by the visitor
};

struct line_walk {
    line_fault fault = line_fault::none;
    std::size_t num_lines = 0;  // before the fault, or in all; the empty line is not counted
};

// Calls `visit(index, line)` for each line of `raw`, without its line end; false stops the walk.
template <class Visit>
line_walk walk_lines(std::string_view raw, Visit&& visit) {
    const char* const end = raw.data() + raw.size();
    const char* line = raw.data();
    line_walk walk;
    const auto fail = [&](line_fault fault) {
        walk.fault = fault;
        return walk;
    };
    for (const char* p = line;;) {
        p = find_control(p, end);
        if (p == end) return fail(line_fault::not_ended);
        if (*p == '\t') {
            ++p;
            continue;
        }
        if (*p == '\n') return fail(line_fault::bare_lf);
        if (*p != '\r') return fail(line_fault::control_byte);
        if (p + 1 == end || p[1] != '\n') return fail(line_fault::bare_cr);
        if (p == line) {
            if (walk.num_lines == 0) return fail(line_fault::no_start_line);
            return p + 2 == end ? walk : fail(line_fault::bytes_after);
        }
        if (walk.num_lines > 0 && is_blank(*line)) return fail(line_fault::folded);
        if (!visit(walk.num_lines, std::string_view(line, p - line)))
            return fail(line_fault::refused);
        ++walk.num_lines;
        line = p += 2;
    }
}

// "name: value", the white space around the value taken off; false when it is not that. Nothing may
// stand between the name and the colon (RFC 9112 §5.1).
inline bool read_header_line(std::string_view line, header& out) noexcept {
    const char* const end = line.data() + line.size();
    const char* const colon = skip_token(line.data(), end);
    if (colon == line.data() || colon == end || *colon != ':') return false;
    out.name = {line.data(), static_cast<std::size_t>(colon - line.data())};
    out.value = trim_blanks({colon + 1, static_cast<std::size_t>(end - colon - 1)});
    out.line = line;
    return true;
}

}  // namespace penstock::http
