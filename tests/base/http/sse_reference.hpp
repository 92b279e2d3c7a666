// The slow and obvious reading of an event stream, against which the scanner is held.
#pragma once

#include "penstock/http/sse.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace penstock::http {

struct sse_reading {
    std::vector<std::string> events;  // with their line ends, one LF for each of whatever kind
    std::string rest;
    bool at_boundary = true;  // nothing but line ends in the rest

    bool operator==(const sse_reading&) const = default;
};

inline std::string with_lf_ends(std::string_view bytes) {
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (bytes[i] == '\r') {
            out += '\n';
            if (i + 1 < bytes.size() && bytes[i + 1] == '\n') ++i;
        } else {
            out += bytes[i];
        }
    }
    return out;
}

inline sse_reading read_obviously(std::string_view bytes) {
    sse_reading out;
    std::string event, line;
    bool any = false;
    for (const char c : with_lf_ends(bytes)) {
        event += c;
        if (c != '\n') {
            line += c;
            any = true;
            continue;
        }
        if (line.empty() && any) {
            out.events.push_back(event);
            event.clear();
            any = false;
        }
        line.clear();
    }
    out.rest = event;
    out.at_boundary = !any;
    return out;
}

// By the scanner, fed with pieces of the sizes that `next_size` gives. An LF that was cut from the
// CR that ended its event lies at the start of what follows; it is taken away there.
template <class NextSize>
sse_reading read_in_pieces(std::string_view bytes, NextSize next_size) {
    sse_reading out;
    sse_scanner scanner;
    std::string event;
    bool cut_cr = false;
    const auto keep = [&](std::string_view piece) {
        if (cut_cr && event.empty() && !piece.empty()) {
            if (piece.front() == '\n') piece.remove_prefix(1);
            cut_cr = false;
        }
        event.append(piece);
    };
    while (!bytes.empty()) {
        auto piece = bytes.substr(0, next_size());
        bytes.remove_prefix(piece.size());
        while (!piece.empty()) {
            const auto end = scanner.find_end(piece);
            keep(piece.substr(0, end));
            if (end == piece.npos) break;
            cut_cr = piece[end - 1] == '\r';
            out.events.push_back(with_lf_ends(event));
            event.clear();
            piece.remove_prefix(end);
        }
    }
    out.rest = with_lf_ends(event);
    out.at_boundary = scanner.at_boundary();
    return out;
}

}  // namespace penstock::http
