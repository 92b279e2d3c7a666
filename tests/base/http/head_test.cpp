// Request heads: what is read, what is refused, and why.
#include "penstock/http/head.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::http {
namespace {

using namespace std::literals;
using testing::HasSubstr;

const auto post = "POST /v1/chat/completions HTTP/1.1\r\nHost: gateway:4000\r\n"s;

request_head read(std::string_view raw) {
    request_head head;
    const auto read = parse_request_head(raw, {}, head);
    EXPECT_TRUE(read.has_value()) << raw << "\n" << (read.has_error() ? read.error().message : "");
    return head;
}

refusal refused(std::string_view raw, const head_limits& limits = {}) {
    request_head head;
    const auto read = parse_request_head(raw, limits, head);
    if (read.has_error()) return read.error();
    ADD_FAILURE() << "not refused: " << testing::PrintToString(std::string(raw));
    return {};
}

TEST(request_head, reads_what_a_client_sends) {
    const auto raw =
        "POST /v1/chat/completions?api-version=1&x=%20 HTTP/1.1\r\n"
        "Host: gateway.example:4000\r\nAuthorization:Bearer sk-1\r\nX-Empty:\r\n"
        "Accept: \t a, b \t\r\nContent-Length: 42\r\nuser-agent: \xC3\xA9t\xC3\xA9\r\n\r\n"s;
    const auto head = read(raw);
    EXPECT_EQ(head.method, "POST");
    EXPECT_EQ(head.target, "/v1/chat/completions?api-version=1&x=%20");
    EXPECT_EQ(head.path, "/v1/chat/completions");
    EXPECT_EQ(head.query, "api-version=1&x=%20");
    EXPECT_EQ(head.headers.size(), 6u);
    EXPECT_EQ(head.headers.find("AUTHORIZATION"), "Bearer sk-1");
    EXPECT_EQ(head.headers.find("accept"), "a, b");
    EXPECT_EQ(head.headers.find("User-Agent"), "\xC3\xA9t\xC3\xA9");
    EXPECT_TRUE(head.headers.has("x-empty"));
    EXPECT_FALSE(head.headers.has("x-absent"));
    EXPECT_EQ(head.headers.find("x-absent"), "");
    EXPECT_EQ(head.framing, body_framing::sized);
    EXPECT_EQ(head.content_length, 42u);
    EXPECT_EQ(head.minor_version, 1);
    EXPECT_TRUE(head.keep_alive);
    EXPECT_FALSE(head.expects_continue);
}

TEST(request_head, points_into_the_bytes_read) {
    const auto raw = post + "X-A: b\r\n\r\n";
    const auto head = read(raw);
    const auto inside = [&](std::string_view view) {
        return view.data() >= raw.data() && view.data() + view.size() <= raw.data() + raw.size();
    };
    EXPECT_TRUE(inside(head.method) && inside(head.target) && inside(head.path));
    for (const auto& it : head.headers)
        EXPECT_TRUE(inside(it.name) && inside(it.value));
}

TEST(request_head, forgets_the_head_before) {
    request_head head;
    ASSERT_TRUE(parse_request_head(
        post + "Content-Length: 5\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n", {}, head
    ));
    ASSERT_TRUE(parse_request_head("GET / HTTP/1.1\r\nHost: a\r\n\r\n", {}, head));
    EXPECT_EQ(head.framing, body_framing::none);
    EXPECT_EQ(head.content_length, 0u);
    EXPECT_EQ(head.headers.size(), 1u);
    EXPECT_TRUE(head.keep_alive);
    EXPECT_FALSE(head.expects_continue);
    EXPECT_EQ(head.query, "");
}

TEST(request_head, skips_empty_lines_before_the_request_line) {
    EXPECT_EQ(read("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").method, "GET");
    EXPECT_EQ(refused("\r\n\r\n").code, errc::malformed_head);
    EXPECT_EQ(refused("").code, errc::malformed_head);
    EXPECT_THAT(
        refused("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").message, HasSubstr("bare line feed")
    );
}

TEST(request_head, reads_a_chunked_body) {
    for (const auto value : {"chunked", "Chunked", "\tchunked \t"}) {
        const auto head = read(post + "Transfer-Encoding: " + value + "\r\n\r\n");
        EXPECT_EQ(head.framing, body_framing::chunked);
    }
}

TEST(request_head, decides_whether_the_connection_goes_on) {
    const auto keeps = [](const char* version, const char* headers) {
        return read("GET / HTTP/"s + version + "\r\nHost: a\r\n" + headers + "\r\n").keep_alive;
    };
    EXPECT_TRUE(keeps("1.1", ""));
    EXPECT_FALSE(keeps("1.1", "Connection: close\r\n"));
    EXPECT_FALSE(keeps("1.1", "Connection: x, CLOSE\r\n"));
    EXPECT_FALSE(keeps("1.1", "Connection: keep-alive\r\nConnection: close\r\n"));
    EXPECT_FALSE(keeps("1.0", ""));
    EXPECT_TRUE(keeps("1.0", "Connection: Keep-Alive\r\n"));
    EXPECT_FALSE(keeps("1.0", "Connection: keep-alive, close\r\n"));
}

TEST(request_head, needs_no_host_in_http_1_0) {
    EXPECT_EQ(read("GET / HTTP/1.0\r\n\r\n").minor_version, 0);
}

TEST(request_head, expects_continue_when_a_body_follows) {
    EXPECT_TRUE(read(post + "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n").expects_continue);
    EXPECT_FALSE(read(post + "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n").expects_continue);
    EXPECT_FALSE(read(post + "Expect: 100-continue\r\n\r\n").expects_continue);
    const auto old = "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n";
    EXPECT_FALSE(read(old).expects_continue);
    EXPECT_EQ(refused(post + "Expect: 200-ok\r\n\r\n").code, errc::expectation_failed);
    EXPECT_EQ(refused(post + "Expect:\r\n\r\n").code, errc::expectation_failed);
    EXPECT_EQ(
        refused(post + "Expect: 100-continue\r\nExpect: x\r\n\r\n").code, errc::expectation_failed
    );
}

TEST(request_head, takes_path_and_query_from_an_absolute_target) {
    const auto target = [](const std::string& it) {
        static std::string raw;
        raw = "GET " + it + " HTTP/1.1\r\nHost: a\r\n\r\n";
        return read(raw);
    };
    EXPECT_EQ(target("http://gateway:4000/v1/models?x=1").path, "/v1/models");
    EXPECT_EQ(target("http://gateway:4000/v1/models?x=1").query, "x=1");
    EXPECT_EQ(target("HTTPS://gateway").path, "/");
    EXPECT_EQ(target("http://gateway?x=1").path, "/");
    EXPECT_EQ(target("http://gateway?x=/a").query, "x=/a");
    EXPECT_EQ(target("//gateway/v1").path, "//gateway/v1");
    EXPECT_EQ(target("/?").path, "/");
    EXPECT_EQ(target("/a?b?c").query, "b?c");
}

TEST(request_head, refuses_other_forms_of_target) {
    for (const auto target :
         {"*",
          "gateway:4000",
          "ftp://a/b",
          "http:///a",
          "http://u@a/b",
          "/a#b",
          "/\xC3\xA9",
          "v1/models",
          "http://",
          "/a\x7f"}) {
        const auto it = refused("GET "s + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
        EXPECT_EQ(it.code, errc::malformed_head) << target;
        EXPECT_FALSE(it.message.empty()) << target;
    }
    EXPECT_EQ(refused("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n").code, errc::malformed_head);
}

TEST(request_head, refuses_a_malformed_request_line_and_says_how) {
    const auto message = [](std::string line) {
        return refused(line + "\r\nHost: a\r\n\r\n").message;
    };
    EXPECT_THAT(message("GET /"), HasSubstr("not a method, a target and a version"));
    EXPECT_THAT(message("GET"), HasSubstr("not a method, a target and a version"));
    EXPECT_THAT(message("G(T / HTTP/1.1"), HasSubstr("method is malformed"));
    EXPECT_THAT(message(" GET / HTTP/1.1"), HasSubstr("method is missing"));
    EXPECT_THAT(message("GET / HTTP/2.0"), HasSubstr("neither HTTP/1.1 nor HTTP/1.0"));
    EXPECT_THAT(message("GET / HTTP/1.2"), HasSubstr("neither HTTP/1.1 nor HTTP/1.0"));
    EXPECT_THAT(message("GET / HTTP/0.9"), HasSubstr("neither HTTP/1.1 nor HTTP/1.0"));
    EXPECT_THAT(message("GET / http/1.1"), HasSubstr("neither HTTP/1.1 nor HTTP/1.0"));
    EXPECT_THAT(message("GET / HTTP/1.1 "), HasSubstr("neither HTTP/1.1 nor HTTP/1.0"));
    EXPECT_THAT(message("GET  / HTTP/1.1"), HasSubstr("target is malformed"));
    EXPECT_THAT(message("GET /a b HTTP/1.1"), HasSubstr("target is malformed"));
    EXPECT_THAT(message("GET /\ta HTTP/1.1"), HasSubstr("target is malformed"));
    EXPECT_THAT(message("GET\t/ HTTP/1.1"), HasSubstr("request line"));
}

TEST(request_head, refuses_what_smuggles_a_second_request) {
    const std::pair<std::string_view, const char*> cases[] = {
        {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "both given"},
        {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "both given"},
        {"Transfer-Encoding: identity\r\nContent-Length: 5\r\n", "both given"},
        {"Transfer-Encoding: xchunked\r\n", "only Transfer-Encoding taken"},
        {"Transfer-Encoding: chunked, identity\r\n", "only Transfer-Encoding taken"},
        {"Transfer-Encoding: identity, chunked\r\n", "only Transfer-Encoding taken"},
        {"Transfer-Encoding: gzip, chunked\r\n", "only Transfer-Encoding taken"},
        {"Transfer-Encoding: chunked,\r\n", "only Transfer-Encoding taken"},
        {"Transfer-Encoding: \"chunked\"\r\n", "only Transfer-Encoding taken"},
        {"Transfer-Encoding: chunked;q=1\r\n", "only Transfer-Encoding taken"},
        {"Transfer-Encoding: identity\r\n", "only Transfer-Encoding taken"},
        {"Transfer-Encoding:\r\n", "only Transfer-Encoding taken"},
        {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "more than once"},
        {"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "more than once"},
        {"Transfer-Encoding : chunked\r\n", "white space before its colon"},
        {"Transfer-Encoding\t: chunked\r\n", "white space before its colon"},
        {"Transfer-Encoding: \vchunked\r\n", "control byte"},
        {"Transfer-Encoding:\0chunked\r\n"sv, "control byte"},
        {"Transfer-Encoding: chunked\n", "bare line feed"},
        {"X: a\nTransfer-Encoding: chunked\r\n", "bare line feed"},
        {"X: a\rTransfer-Encoding: chunked\r\n", "carriage return"},
        {"X: a\r\r\nTransfer-Encoding: chunked\r\n", "carriage return"},
        {"X: a\r\n Transfer-Encoding: chunked\r\n", "folded"},
        {"Transfer-Encoding:\r\n chunked\r\n", "folded"},
        {"Transfer-Encoding:\r\n\tchunked\r\n", "folded"},
        {"Content-Length: 5\r\nContent-Length: 5\r\n", "more than once"},
        {"Content-Length: 5\r\nContent-Length: 6\r\n", "more than once"},
        {"Content-Length: 5\r\ncontent-length: 0\r\n", "more than once"},
        {"Content-Length: +5\r\n", "not one decimal"},
        {"Content-Length: -5\r\n", "not one decimal"},
        {"Content-Length: 5,5\r\n", "not one decimal"},
        {"Content-Length: 5 5\r\n", "not one decimal"},
        {"Content-Length: 0x5\r\n", "not one decimal"},
        {"Content-Length: 5.0\r\n", "not one decimal"},
        {"Content-Length: 1e3\r\n", "not one decimal"},
        {"Content-Length: five\r\n", "not one decimal"},
        {"Content-Length:\r\n", "not one decimal"},
        {"Content-Length: 18446744073709551616\r\n", "not one decimal"},
        {"Content-Length: 99999999999999999999999999\r\n", "not one decimal"},
        {"Content-Length : 5\r\n", "white space before its colon"},
        {"Content Length: 5\r\n", "malformed name"},
        {"Content-Length\r\n", "no colon"},
        {": 5\r\n", "has no name"},
        {"X(Y): 5\r\n", "malformed name"},
        {"X\xC3\xA9: 5\r\n", "malformed name"},
        {"X: a\0b\r\n"sv, "control byte"},
        {"X: a\x1b[0mb\r\n", "control byte"},
        {"X: a\x7f\r\n", "control byte"},
        {"Host: gateway:4000\r\n", "Host header is given more than once"},
        {"host: other\r\n", "Host header is given more than once"},
        {"Connection: a b\r\n", "Connection header"},
    };
    for (const auto& [headers, why] : cases) {
        const auto it = refused(post + std::string(headers) + "\r\n");
        EXPECT_EQ(it.code, errc::malformed_head) << headers;
        EXPECT_THAT(it.message, HasSubstr(why)) << headers;
    }
}

TEST(request_head, ignores_spaces_around_a_length) {
    EXPECT_EQ(read(post + "Content-Length:   5\t\r\n\r\n").content_length, 5u);
    EXPECT_EQ(read(post + "Content-Length: 18446744073709551615\r\n\r\n").content_length, ~0ull);
}

TEST(request_head, refuses_a_missing_or_malformed_host) {
    EXPECT_EQ(refused("GET / HTTP/1.1\r\n\r\n").message, "The Host header is missing.");
    EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost:\r\n\r\n").message, "The Host header is empty.");
    EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost: \t \r\n\r\n").message, "The Host header is empty.");
    EXPECT_EQ(refused("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n").code, errc::malformed_head);
    for (const auto host : {"a b", "a,b", "a/b", "u@a", "a\tb", "<a>", "\xC3\xA9"})
        EXPECT_THAT(
            refused("GET / HTTP/1.1\r\nHost: "s + host + "\r\n\r\n").message,
            HasSubstr("Host header")
        ) << host;
    for (const auto host : {"[::1]:80", "a_b.example", "127.0.0.1", "a%20b"})
        EXPECT_EQ(read("GET / HTTP/1.1\r\nHost: "s + host + "\r\n\r\n").headers.size(), 1u) << host;
}

TEST(request_head, refuses_transfer_encoding_in_http_1_0) {
    const auto raw = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
    EXPECT_EQ(refused(raw).message, "HTTP/1.0 has no Transfer-Encoding.");
}

TEST(request_head, refuses_what_is_not_one_whole_head) {
    const auto whole = post + "X: a\r\n\r\n";
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_EQ(refused(whole.substr(0, size)).code, errc::malformed_head) << size;
    EXPECT_EQ(refused(whole + "GET / HTTP/1.1\r\n\r\n").code, errc::malformed_head);
}

TEST(request_head, names_the_line_at_fault) {
    EXPECT_THAT(refused(post + "X: a\nY: b\r\n\r\n").message, HasSubstr("Line 3"));
    EXPECT_THAT(refused(post + "X: a\r\nY : b\r\n\r\n").message, HasSubstr("Header line 3"));
}

TEST(request_head, never_repeats_a_value_in_its_message) {
    for (const auto header :
         {"Authorization: Bearer secret\x01",
          "X-Api-Key : secret",
          "Expect: secret",
          "Content-Length: secret",
          "secret"})
        EXPECT_THAT(refused(post + header + "\r\n\r\n").message, testing::Not(HasSubstr("secret")))
            << header;
}

TEST(request_head, bounds_its_bytes_headers_and_target) {
    head_limits limits;
    limits.head_bytes = 400;
    limits.target_bytes = 100;
    limits.num_headers = 5;
    request_head head;
    const auto sized = [](std::size_t size) {
        const auto rest = size - post.size() - "X: \r\n\r\n"sv.size();
        return post + "X: " + std::string(rest, 'a') + "\r\n\r\n";
    };
    EXPECT_TRUE(parse_request_head(sized(400), limits, head));
    EXPECT_EQ(refused(sized(401), limits).code, errc::head_too_large);

    const auto target = [](std::size_t size) {
        return "GET /" + std::string(size - 1, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
    };
    EXPECT_TRUE(parse_request_head(target(100), limits, head));
    EXPECT_EQ(refused(target(101), limits).code, errc::target_too_long);
    EXPECT_EQ(refused(target(5000), limits).code, errc::target_too_long);

    const auto many = [](int num) {
        auto raw = "GET / HTTP/1.1\r\nHost: a\r\n"s;
        for (int i = 1; i < num; ++i)
            raw += "X: a\r\n";
        return raw + "\r\n";
    };
    EXPECT_TRUE(parse_request_head(many(5), limits, head));
    EXPECT_EQ(refused(many(6), limits).code, errc::head_too_large);
}

TEST(request_head, reads_a_head_as_large_as_its_limit) {
    const auto value = std::string(16 * 1024 - post.size() - "X: \r\n\r\n"sv.size(), 'a');
    EXPECT_EQ(read(post + "X: " + value + "\r\n\r\n").headers.find("x").size(), value.size());
}

TEST(find_head_end, finds_the_empty_line_wherever_the_bytes_are_cut) {
    for (const auto lines : {"\r\n\r\n"sv, "\n\n"sv, "\r\n\n"sv, "\n\r\n"sv}) {
        for (const auto before : {""sv, "\r\n"sv, "\r\n\r\n"sv}) {
            const auto head =
                std::string(before) + "GET / HTTP/1.1\r\nHost: a" + std::string(lines);
            const auto bytes = head + "\r\n\r\nbody";
            for (std::size_t cut = 0; cut < head.size(); ++cut) {
                const auto first = std::string_view(bytes).substr(0, cut);
                EXPECT_EQ(find_head_end(first), std::string_view::npos);
                EXPECT_EQ(find_head_end(bytes, cut), head.size()) << cut;
            }
        }
    }
}

TEST(find_head_end, waits_while_nothing_but_empty_lines_came) {
    EXPECT_EQ(find_head_end("\r\n\r\n\r\n"), std::string_view::npos);
    EXPECT_EQ(find_head_end(""), std::string_view::npos);
    EXPECT_EQ(find_head_end("", 7), std::string_view::npos);
}

TEST(percent_decode, decodes_a_segment) {
    EXPECT_EQ(percent_decode("gpt%2D4%20%c3%A9+"), "gpt-4 \xC3\xA9+");
    EXPECT_EQ(percent_decode(""), "");
    EXPECT_EQ(percent_decode("%25%32%46"), "%2F");
}

TEST(percent_decode, refuses_malformed_nul_and_slash) {
    for (const auto segment :
         {"%", "%4", "a%zz", "%-1", "%4g", "% 1", "%00", "a%2Fb", "a%2fb", "a/b"})
        EXPECT_EQ(percent_decode(segment), std::nullopt) << segment;
    EXPECT_EQ(percent_decode("a\0b"sv), std::nullopt);
}

TEST(header_list, compares_names_without_regard_to_ascii_case_alone) {
    EXPECT_TRUE(same_name("Content-Type", "cONTENT-tYPE"));
    EXPECT_FALSE(same_name("a", "ab"));
    EXPECT_FALSE(same_name("@", "`"));
    EXPECT_FALSE(same_name("[", "{"));
    EXPECT_FALSE(same_name("-", "\r"));
    EXPECT_FALSE(same_name("\xC3\x89", "\xC3\xA9"));
}

TEST(header_list, finds_tokens_over_several_lines) {
    header_list list;
    list.add({"Connection", "keep-alive,\t Upgrade ,,", {}});
    list.add({"x", "y", {}});
    list.add({"connection", "TE", {}});
    EXPECT_TRUE(list.has_token("connection", "upgrade"));
    EXPECT_TRUE(list.has_token("CONNECTION", "te"));
    EXPECT_TRUE(list.has_token("connection", "keep-alive"));
    EXPECT_FALSE(list.has_token("connection", "keep"));
    EXPECT_FALSE(list.has_token("connection", "y"));
    EXPECT_FALSE(list.has_token("connection", ""));
    EXPECT_EQ(list.find("connection"), "keep-alive,\t Upgrade ,,");
}

}  // namespace
}  // namespace penstock::http
