// The head of an upstream's answer: an own scanner over the same strict lines as a request's.
#include "head_lines.hpp"
#include "penstock/http/response.hpp"

namespace penstock::http {
namespace {

struct framing_headers {
    std::uint64_t content_length = 0;
    bool sized = false, unequal_lengths = false, bad_length = false;
    int num_encodings = 0;
    bool chunked = false;
    bool close = false, keep_alive = false;
};

error protocol(const char* what) {
    return {errc::upstream_protocol, what};
}

// "HTTP/1.1 200 OK", with or without the phrase and the space before it.
bool read_status_line(std::string_view line, response_head& out) {
    if (line.size() < 12 || line.substr(0, 7) != "HTTP/1.") return false;
    const char minor = line[7];
    if ((minor != '0' && minor != '1') || line[8] != ' ') return false;
    std::uint64_t status = 0;
    if (!read_decimal(line.substr(9, 3), status) || status < 100 || status > 599) return false;
    if (line.size() > 12 && line[12] != ' ') return false;
    out.minor_version = minor - '0';
    out.status = static_cast<int>(status);
    out.reason = trim_blanks(line.substr(12));
    return true;
}

void read_length(std::string_view value, framing_headers& found) {
    for (;;) {
        const auto comma = value.find(',');
        std::uint64_t length = 0;
        if (!read_decimal(trim_blanks(value.substr(0, comma)), length)) found.bad_length = true;
        if (found.sized && length != found.content_length) found.unequal_lengths = true;
        found.content_length = length;
        found.sized = true;
        if (comma == value.npos) return;
        value.remove_prefix(comma + 1);
    }
}

void note(const header& it, framing_headers& found) {
    if (it.name.size() == 14 && same_name(it.name, "content-length")) {
        read_length(it.value, found);
    } else if (it.name.size() == 17 && same_name(it.name, "transfer-encoding")) {
        ++found.num_encodings;
        found.chunked = same_name(it.value, "chunked");
    } else if (it.name.size() == 10 && same_name(it.name, "connection")) {
        for_each_item(it.value, [&](std::string_view item) {
            found.close |= same_name(item, "close");
            found.keep_alive |= same_name(item, "keep-alive");
        });
    }
}

bool read_header(std::string_view line, response_head& out, framing_headers& found) {
    header it;
    if (!read_header_line(line, it)) return false;
    out.headers.add(it);
    note(it, found);
    return true;
}

// RFC 9112 §6.3, and an error wherever two readers could see two lengths.
result<void> decide_framing(
    const framing_headers& found, bool request_was_head, response_head& out
) {
    if (found.num_encodings > 0 && found.sized)
        return protocol("both Content-Length and Transfer-Encoding");
    if (found.num_encodings > 1 || (found.num_encodings == 1 && !found.chunked))
        return protocol("a Transfer-Encoding other than chunked");
    if (found.chunked && out.minor_version == 0) return protocol("Transfer-Encoding in HTTP/1.0");
    if (found.bad_length) return protocol("a Content-Length that is not decimal");
    if (found.unequal_lengths) return protocol("two different Content-Lengths");

    out.keep_alive = !found.close && (out.minor_version > 0 || found.keep_alive);
    const bool never_a_body = out.status < 200 || out.status == 204;
    if (never_a_body || out.status == 304 || request_was_head) {
        // Who announces a body where there is none may send it too.
        if (never_a_body && (found.chunked || found.content_length > 0)) out.keep_alive = false;
    } else if (found.chunked) {
        out.framing = body_framing::chunked;
    } else if (found.sized) {
        out.framing = body_framing::sized;
        out.content_length = found.content_length;
    } else {
        out.framing = body_framing::until_close;
        out.keep_alive = false;
    }
    return success();
}

}  // namespace

void response_head::clear() noexcept {
    status = 0;
    reason = {};
    headers.clear();
    framing = body_framing::none;
    content_length = 0;
    minor_version = 1;
    keep_alive = true;
}

result<void> parse_response_head(std::string_view raw, response_head& out, bool request_was_head) {
    out.clear();
    framing_headers found;
    const auto walk = walk_lines(raw, [&](std::size_t index, std::string_view line) {
        return index == 0 ? read_status_line(line, out) : read_header(line, out, found);
    });
    switch (walk.fault) {
        case line_fault::none:
            break;
        case line_fault::refused:
            return protocol(walk.num_lines == 0 ? "a bad status line" : "a bad header line");
        case line_fault::folded:
            return protocol("a folded header");
        case line_fault::no_start_line:
            return protocol("no status line");
        case line_fault::not_ended:
        case line_fault::bytes_after:
            return protocol("a head that does not end in one empty line");
        default:
            return protocol("a bare line end or a control byte in the head");
    }
    if (out.status == 101) return protocol("101 without having been asked to switch");
    return decide_framing(found, request_was_head, out);
}

}  // namespace penstock::http
