// Which headers of an answer go on to the client, and writing them.
#include "penstock/http/response.hpp"
#include "scan.hpp"

namespace penstock::http {
namespace {

bool starts_with_name(std::string_view name, std::string_view prefix) noexcept {
    if (name.empty() || (name.front() | 0x20) != prefix.front()) return false;
    return same_name(name.substr(0, prefix.size()), prefix);
}

bool is_hop_by_hop(std::string_view name) noexcept {
    switch (name.size()) {
        case 2:
            return same_name(name, "te");
        case 7:
            return same_name(name, "trailer") || same_name(name, "upgrade");
        case 10:
            return same_name(name, "connection") || same_name(name, "keep-alive");
        case 14:
            return same_name(name, "content-length");
        case 17:
            return same_name(name, "transfer-encoding");
        default:
            return false;
    }
}

std::uint64_t hop_by_hop_signs() noexcept {
    return sign_of("te") | sign_of("trailer") | sign_of("upgrade") | sign_of("connection") |
           sign_of("keep-alive") | sign_of("content-length") | sign_of("transfer-encoding");
}

bool is_any_of(std::string_view name, std::initializer_list<std::string_view> names) noexcept {
    for (const auto one : names)
        if (same_name(name, one)) return true;
    return false;
}

// Most say no more than keep-alive or close.
bool connection_names_headers(const header_list& headers) noexcept {
    bool any = false;
    for (const auto& item : headers) {
        if (!same_name(item.name, "connection")) continue;
        for_each_item(item.value, [&](std::string_view it) {
            any |= !same_name(it, "keep-alive") && !same_name(it, "close");
        });
    }
    return any;
}

}  // namespace

void append_end_to_end_headers(
    const header_list& headers,
    std::string_view without_prefix,
    std::initializer_list<std::string_view> without,
    std::string& out
) {
    std::uint64_t suspects = hop_by_hop_signs();
    for (const auto name : without)
        suspects |= sign_of(name);
    const bool names_others = connection_names_headers(headers);
    const auto stays = [&](std::string_view name) {
        if (starts_with_name(name, "proxy-")) return false;
        if (!without_prefix.empty() && starts_with_name(name, without_prefix)) return false;
        if (names_others && headers.has_token("connection", name)) return false;
        return !(suspects & sign_of(name)) || (!is_hop_by_hop(name) && !is_any_of(name, without));
    };
    // Neighbours that stay are copied as one run of bytes.
    std::string_view run;
    const auto flush = [&] {
        if (!run.empty()) out.append(run).append("\r\n");
        run = {};
    };
    for (const auto& [name, value, line] : headers) {
        if (!stays(name)) continue;
        if (line.empty()) {
            flush();
            out.append(name).append(": ").append(value).append("\r\n");
        } else if (!run.empty() && line.data() == run.data() + run.size() + 2 &&
                   std::string_view(run.data() + run.size(), 2) == "\r\n") {
            run = {run.data(), run.size() + 2 + line.size()};
        } else {
            flush();
            run = line;
        }
    }
    flush();
}

}  // namespace penstock::http
