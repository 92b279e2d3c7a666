// No accepted request head can be read in two ways: its lines, its length and its host are single,
// and the head written anew from what was read is the same head.
#include "fuzz/head_properties.hpp"
#include "support/beast_request.hpp"

namespace penstock::http {
namespace {

void check_meaning(const request_head& head, std::string_view raw) {
    ALWAYS(lies_inside(head.method, raw) && lies_inside(head.target, raw));
    ALWAYS(!head.method.empty() && !head.target.empty());
    ALWAYS(head.path.front() == '/' && head.path.find('?') == head.path.npos);
    ALWAYS(head.path == "/" || lies_inside(head.path, head.target));
    ALWAYS(head.query.empty() || lies_inside(head.query, head.target));
    ALWAYS(head.minor_version == 0 || head.minor_version == 1);

    const auto lengths = num_of(head.headers, "content-length");
    const auto encodings = num_of(head.headers, "transfer-encoding");
    const auto hosts = num_of(head.headers, "host");
    ALWAYS(hosts == 1 || (hosts == 0 && head.minor_version == 0));
    ALWAYS(lengths + encodings <= 1);
    ALWAYS((head.framing == body_framing::sized) == (lengths == 1));
    ALWAYS((head.framing == body_framing::chunked) == (encodings == 1));
    ALWAYS(encodings == 0 || same_name(head.headers.find("transfer-encoding"), "chunked"));
    if (lengths == 1) {
        const auto value = head.headers.find("content-length");
        ALWAYS(value.find_first_not_of("0123456789") == value.npos);
        ALWAYS(std::stoull(std::string(value)) == head.content_length);
    }
    ALWAYS(!head.keep_alive || !head.headers.has_token("connection", "close"));
    ALWAYS(!head.expects_continue || head.headers.has("expect"));
}

void check_anew(const request_head& head) {
    std::string raw(head.method);
    raw.append(" ").append(head.target).append(head.minor_version ? " HTTP/1.1" : " HTTP/1.0");
    raw.append("\r\n");
    for (const auto& it : head.headers)
        raw.append(it.name).append(": ").append(it.value).append("\r\n");
    raw.append("\r\n");
    request_head again;
    ALWAYS(parse_request_head(raw, {1 << 20, 1 << 20, 1 << 20}, again).has_value());
    ALWAYS(again.path == head.path && again.query == head.query);
    ALWAYS(again.framing == head.framing && again.content_length == head.content_length);
    ALWAYS(again.keep_alive == head.keep_alive);
    ALWAYS(test::says_the_same(head, again));
}

// Another parser, which shares nothing with ours, reads the same.
void check_second_opinion(const request_head& head, std::string_view raw) {
    request_head other;
    ALWAYS(test::read_with_beast(raw, other));
    ALWAYS(test::says_the_same(head, other));
}

void check(std::string_view raw) {
    request_head head;
    const auto read = parse_request_head(raw, {}, head);
    if (read.has_error()) {
        const auto& why = read.error();
        ALWAYS(describe(why.code).who == blame::client && is_plain(why.message));
        return;
    }
    check_end(raw);
    while (raw.substr(0, 2) == "\r\n")
        raw.remove_prefix(2);
    check_lines(raw, head.headers);
    check_meaning(head, raw);
    check_anew(head);
    check_second_opinion(head, raw);
    if (const auto plain = percent_decode(head.path.substr(1)))
        ALWAYS(plain->find_first_of(std::string_view("\0/", 2)) == plain->npos);
}

}  // namespace
}  // namespace penstock::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    penstock::http::check({reinterpret_cast<const char*>(data), size});
    return 0;
}
