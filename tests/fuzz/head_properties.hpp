// What is true of every head that was accepted, written without the scanners that accepted it.
#pragma once

#include "fuzz/property.hpp"
#include "penstock/http/head.hpp"

#include <algorithm>

namespace penstock::http {

inline std::size_t num_of(const header_list& headers, std::string_view name) {
    return std::count_if(headers.begin(), headers.end(), [&](const header& it) {
        return same_name(it.name, name);
    });
}

inline bool is_plain(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](unsigned char c) {
        return (c < 0x20 && c != '\t') || c == 0x7f;
    });
}

// Every line ends in CRLF, is plain, and is one header after the first; only the last is empty.
inline void check_lines(std::string_view raw, const header_list& headers) {
    auto it = headers.begin();
    bool first = true;
    for (;;) {
        const auto end = raw.find("\r\n");
        ALWAYS(end != raw.npos);
        const auto line = raw.substr(0, end);
        raw.remove_prefix(end + 2);
        ALWAYS(is_plain(line));
        if (line.empty()) break;
        if (!first) {
            ALWAYS(it != headers.end());
            ALWAYS(!it->name.empty() && it->name.data() == line.data());
            ALWAYS(it->name.find_first_of(" \t,;\"()") == it->name.npos);
            ALWAYS(line[it->name.size()] == ':');
            ALWAYS(lies_inside(it->value, line));
            const auto trims = [](char c) { return c == ' ' || c == '\t'; };
            ALWAYS(it->value.empty() || (!trims(it->value.front()) && !trims(it->value.back())));
            const auto around = line.size() - it->name.size() - 1 - it->value.size();
            const auto blanks = std::count_if(
                line.begin() + static_cast<std::ptrdiff_t>(it->name.size()), line.end(), trims
            );
            ALWAYS(around <= static_cast<std::size_t>(blanks));
            ++it;
        }
        first = false;
    }
    ALWAYS(raw.empty() && it == headers.end());
}

// The end of the head is found in any pieces that it comes in.
inline void check_end(std::string_view raw) {
    ALWAYS(find_head_end(raw) == raw.size());
    piece_sizes next_size(raw);
    std::size_t from = 0;
    for (std::size_t have = next_size(); have < raw.size(); have += next_size()) {
        ALWAYS(find_head_end(raw.substr(0, have), from) == raw.npos);
        from = have;
    }
    ALWAYS(find_head_end(raw, from) == raw.size());
}

}  // namespace penstock::http
