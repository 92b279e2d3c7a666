// The reading of a request head: its lines, the grammar of each, then what they mean together.
#include "penstock/http/head.hpp"

#include "head_lines.hpp"
#include "request_meaning.hpp"
#include "target.hpp"

#include <cstring>

namespace penstock::http {
namespace {

refusal malformed(std::string why) {
    return {errc::malformed_head, std::move(why)};
}

std::string on_line(const line_walk& walk, const char* what) {
    return "Line " + std::to_string(walk.num_lines + 1) + " of the request's head " + what;
}

refusal explain_lines(const line_walk& walk) {
    switch (walk.fault) {
        case line_fault::bare_cr:
            return malformed(on_line(walk, "holds a carriage return without a line feed."));
        case line_fault::bare_lf:
            return malformed(on_line(walk, "ends in a bare line feed instead of CRLF."));
        case line_fault::control_byte:
            return malformed(on_line(walk, "holds a NUL or another control byte."));
        case line_fault::folded:
            return malformed(on_line(walk, "starts with white space: folded headers are refused."));
        default:
            return malformed("The request's head does not end in one empty line.");
    }
}

const char* explain_request_line(std::string_view line) {
    const auto first = line.find(' '), last = line.rfind(' ');
    if (first == line.npos || first == last)
        return "The request line is not a method, a target and a version.";
    for (const char c : line.substr(0, first))
        if (!is_token_char(c)) return "The request's method is malformed.";
    if (first == 0) return "The request's method is missing.";
    const auto version = line.substr(last + 1);
    if (version != "HTTP/1.1" && version != "HTTP/1.0")
        return "The request's version is neither HTTP/1.1 nor HTTP/1.0.";
    return "The request's target is malformed: percent-encode white space and control bytes.";
}

std::string explain_header(std::string_view line, std::size_t number) {
    const auto where = "Header line " + std::to_string(number) + " ";
    const auto colon = line.find(':');
    if (colon == line.npos) return where + "has no colon.";
    if (colon == 0) return where + "has no name.";
    if (is_blank(line[colon - 1])) return where + "has white space before its colon.";
    return where + "has a malformed name.";
}

// "POST /v1/models HTTP/1.1": one space between each two, no other white space.
bool read_request_line(std::string_view line, request_head& out) noexcept {
    const auto first = line.find(' '), last = line.rfind(' ');
    if (first == line.npos || first == last) return false;
    out.method = line.substr(0, first);
    out.target = line.substr(first + 1, last - first - 1);
    const auto version = line.substr(last + 1);
    if (version != "HTTP/1.1" && version != "HTTP/1.0") return false;
    out.minor_version = version.back() - '0';
    return is_token(out.method) && !out.target.empty() &&
           out.target.find_first_of(" \t") == out.target.npos;
}

refusal too_large(std::string_view raw, const head_limits& limits) {
    const auto line = raw.substr(0, raw.find('\n'));
    const auto target = line.substr(std::min(line.size(), line.find(' ') + 1));
    if (target.substr(0, target.rfind(' ')).size() > limits.target_bytes)
        return {errc::target_too_long};
    return {
        errc::head_too_large,
        "The request's head is larger than " + std::to_string(limits.head_bytes) + " bytes."
    };
}

std::string_view without_leading_lines(std::string_view raw) {
    while (raw.substr(0, 2) == "\r\n")
        raw.remove_prefix(2);
    return raw;
}

}  // namespace

void request_head::clear() noexcept {
    method = target = path = query = {};
    headers.clear();
    framing = body_framing::none;
    content_length = 0;
    minor_version = 1;
    keep_alive = true;
    expects_continue = false;
}

void request_head::forget_headers() noexcept {
    const std::string_view asked = path.empty() ? target.substr(0, target.find('?')) : path;
    const std::string_view by = method;
    clear();
    method = by;
    path = asked;
}

std::size_t find_head_end(std::string_view bytes, std::size_t from) noexcept {
    std::size_t at = 0;
    while (at < bytes.size() && (bytes[at] == '\r' || bytes[at] == '\n'))
        ++at;
    // The line feed before the empty line may have come with the bytes searched earlier.
    if (from > at + 2) at = from - 2;
    while (at < bytes.size()) {
        const auto* const lf = std::memchr(bytes.data() + at, '\n', bytes.size() - at);
        if (lf == nullptr) return bytes.npos;
        at = static_cast<const char*>(lf) - bytes.data() + 1;
        if (at < bytes.size() && bytes[at] == '\n') return at + 1;
        if (bytes.substr(at, 2) == "\r\n") return at + 2;
    }
    return bytes.npos;
}

result<void, refusal> parse_request_head(
    std::string_view raw, const head_limits& limits, request_head& out
) {
    out.clear();
    raw = without_leading_lines(raw);
    if (raw.size() > limits.head_bytes) return too_large(raw, limits);
    std::string_view refused;
    const auto walk = walk_lines(raw, [&](std::size_t index, std::string_view line) {
        header it;
        const bool read = index == 0 ? read_request_line(line, out) : read_header_line(line, it);
        if (!read)
            refused = line;
        else if (index > 0 && index <= limits.num_headers)
            out.headers.add(it);
        return read;
    });
    if (walk.fault == line_fault::refused && walk.num_lines == 0)
        return malformed(explain_request_line(refused));
    if (walk.fault == line_fault::refused)
        return malformed(explain_header(refused, walk.num_lines));
    if (walk.fault != line_fault::none) return explain_lines(walk);
    if (walk.num_lines - 1 > limits.num_headers)
        return refusal{
            errc::head_too_large,
            "The request has more than " + std::to_string(limits.num_headers) + " headers."
        };
    if (out.target.size() > limits.target_bytes) return refusal{errc::target_too_long};
    CHECK(split_target(out));
    return read_request_meaning(out);
}

}  // namespace penstock::http
