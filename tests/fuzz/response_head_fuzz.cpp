// No accepted response head can be framed in two ways, and the headers passed on are lines of it,
// none of which concerns the connection.
#include "fuzz/head_properties.hpp"
#include "penstock/http/response.hpp"

namespace penstock::http {
namespace {

void check_framing(const response_head& head, bool request_was_head) {
    const auto lengths = num_of(head.headers, "content-length");
    const auto encodings = num_of(head.headers, "transfer-encoding");
    const bool bodyless =
        request_was_head || head.status < 200 || head.status == 204 || head.status == 304;
    ALWAYS(head.status >= 100 && head.status <= 599);
    ALWAYS(encodings <= 1 && (encodings == 0 || lengths == 0));
    ALWAYS(head.framing != body_framing::chunked || encodings == 1);
    ALWAYS(head.framing != body_framing::sized || lengths >= 1);
    ALWAYS((head.framing == body_framing::none) == bodyless);
    ALWAYS((head.framing == body_framing::until_close) == (!bodyless && lengths + encodings == 0));
    ALWAYS(head.framing != body_framing::until_close || !head.keep_alive);
    ALWAYS(!head.keep_alive || !head.headers.has_token("connection", "close"));
}

void check_passed_on(const response_head& head, std::string_view raw) {
    std::string passed = "HTTP/1.1 200 OK\r\n";
    append_end_to_end_headers(head.headers, "x-penstock-", {"server"}, passed);
    passed += "\r\n";
    response_head again;
    ALWAYS(parse_response_head(passed, again, false).has_value());
    ALWAYS(again.framing == body_framing::until_close);
    for (const auto& it : again.headers) {
        ALWAYS(raw.find(it.line) != raw.npos);
        ALWAYS(!head.headers.has_token("connection", it.name));
        for (const auto name : {"connection", "keep-alive", "te", "trailer", "upgrade", "server"})
            ALWAYS(!same_name(it.name, name));
        ALWAYS(!same_name(it.name.substr(0, 6), "proxy-"));
        ALWAYS(!same_name(it.name.substr(0, 11), "x-penstock-"));
    }
}

void check(std::string_view raw) {
    for (const bool request_was_head : {false, true}) {
        response_head head;
        const auto read = parse_response_head(raw, head, request_was_head);
        if (read.has_error()) {
            ALWAYS(read.error().code == errc::upstream_protocol);
            continue;
        }
        ALWAYS(lies_inside(head.reason, raw));
        check_end(raw);
        check_lines(raw, head.headers);
        check_framing(head, request_was_head);
        check_passed_on(head, raw);
    }
}

}  // namespace
}  // namespace penstock::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    penstock::http::check({reinterpret_cast<const char*>(data), size});
    return 0;
}
