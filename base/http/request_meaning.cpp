// Host, body framing, Connection and Expect of a request (RFC 9112 §3.2, §6.3, §9.3), strictly:
// where a standard lets a recipient repair a message, this refuses it.
#include "request_meaning.hpp"

#include "scan.hpp"

#include <algorithm>

namespace penstock::http {
namespace {

struct counted {
    std::string_view value;
    int num = 0;

    void add(std::string_view another) {
        value = another;
        ++num;
    }
};

struct message_headers {
    counted host, content_length, transfer_encoding;
    bool close = false, keep_alive = false, bad_connection = false;
    bool expects = false, expects_other = false;
};

message_headers collect(const header_list& headers) {
    message_headers found;
    for (const auto& [name, value, line] : headers) {
        switch (name.size()) {
            case 4:
                if (same_name(name, "host")) found.host.add(value);
                break;
            case 6:
                if (same_name(name, "expect")) {
                    found.expects = true;
                    found.expects_other |= !same_name(value, "100-continue");
                }
                break;
            case 10:
                if (same_name(name, "connection"))
                    for_each_item(value, [&](std::string_view item) {
                        found.close |= same_name(item, "close");
                        found.keep_alive |= same_name(item, "keep-alive");
                        found.bad_connection |= !is_token(item);
                    });
                break;
            case 14:
                if (same_name(name, "content-length")) found.content_length.add(value);
                break;
            case 17:
                if (same_name(name, "transfer-encoding")) found.transfer_encoding.add(value);
                break;
            default:
                break;
        }
    }
    return found;
}

refusal malformed(const char* why) {
    return {errc::malformed_head, why};
}

// Of uri-host [":" port] without the comma, by which some join two hosts into one.
bool is_host_char(char c) {
    constexpr std::string_view others = "-._~%!$&'()*+;=:[]";
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           others.find(c) != others.npos;
}

result<void, refusal> check_host(const counted& host, int minor_version) {
    if (host.num == 0 && minor_version == 0) return success();
    if (host.num == 0) return malformed("The Host header is missing.");
    if (host.num > 1) return malformed("The Host header is given more than once.");
    if (host.value.empty()) return malformed("The Host header is empty.");
    if (!std::all_of(host.value.begin(), host.value.end(), is_host_char))
        return malformed("The Host header is not a host name with an optional port.");
    return success();
}

result<void, refusal> read_framing(const message_headers& found, request_head& head) {
    const auto& length = found.content_length;
    const auto& encoding = found.transfer_encoding;
    if (length.num > 0 && encoding.num > 0)
        return malformed("Content-Length and Transfer-Encoding are both given.");
    if (encoding.num > 1) return malformed("The Transfer-Encoding header is given more than once.");
    if (length.num > 1) return malformed("The Content-Length header is given more than once.");
    head.framing = body_framing::none;
    head.content_length = 0;
    if (encoding.num == 1) {
        if (head.minor_version == 0) return malformed("HTTP/1.0 has no Transfer-Encoding.");
        if (!same_name(encoding.value, "chunked"))
            return malformed("The only Transfer-Encoding taken is 'chunked'.");
        head.framing = body_framing::chunked;
    }
    if (length.num == 1) {
        if (!read_decimal(length.value, head.content_length))
            return malformed("The Content-Length header is not one decimal number.");
        head.framing = body_framing::sized;
    }
    return success();
}

}  // namespace

result<void, refusal> read_request_meaning(request_head& head) {
    const auto found = collect(head.headers);
    CHECK(check_host(found.host, head.minor_version));
    CHECK(read_framing(found, head));
    if (found.bad_connection) return malformed("The Connection header is not a list of tokens.");
    head.keep_alive = !found.close && (head.minor_version > 0 || found.keep_alive);
    if (found.expects_other) return refusal{errc::expectation_failed};
    const bool has_body = head.framing == body_framing::chunked || head.content_length > 0;
    // RFC 9110 §10.1.1: the expectation of an HTTP/1.0 client is ignored.
    head.expects_continue = found.expects && has_body && head.minor_version > 0;
    return success();
}

}  // namespace penstock::http
