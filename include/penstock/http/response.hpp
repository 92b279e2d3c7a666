// The head of an upstream's answer, by an own scanner: what the gateway needs is read, the lines
// themselves are forwarded as they came.
#pragma once

#include "penstock/http/head.hpp"

namespace penstock::http {

struct response_head {
    int status = 0;
    std::string_view reason;  // may be empty
    header_list headers;
    body_framing framing = body_framing::none;
    std::uint64_t content_length = 0;
    int minor_version = 1;
    bool keep_alive = true;

    void clear() noexcept;
};

// `raw` is a whole head, its empty line included. Lenient where real engines are sloppy (a missing
// reason phrase, no space after the colon), strict where framing is at stake. `request_was_head`
// and the status decide whether a body follows (RFC 9112 §6.3). Fails with errc::upstream_protocol.
result<void> parse_response_head(std::string_view raw, response_head& out, bool request_was_head);

// Appends to `out` the header lines of `head` byte for byte as they came, without hop-by-hop ones
// (RFC 9110 §7.6.1: Connection and what it names, Keep-Alive, Proxy-*, TE, Trailer,
// Transfer-Encoding, Upgrade), Content-Length, and those whose name starts with `without_prefix`
// ("x-penstock-") or equals one of `without`. Each line ends in CRLF.
void append_end_to_end_headers(
    const header_list& headers,
    std::string_view without_prefix,
    std::initializer_list<std::string_view> without,
    std::string& out
);

// The reason phrase of a status; "Unknown" for one that has none.
std::string_view reason_phrase(int status) noexcept;

}  // namespace penstock::http
