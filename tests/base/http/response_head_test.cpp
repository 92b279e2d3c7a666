// Heads of answers: lenient where engines are sloppy, strict where framing is at stake.
#include "penstock/http/response.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::http {
namespace {

using namespace std::literals;

response_head read(std::string_view raw, bool request_was_head = false) {
    response_head head;
    const auto read = parse_response_head(raw, head, request_was_head);
    EXPECT_TRUE(read.has_value()) << raw << "\n" << (read.has_error() ? read.error().detail : "");
    return head;
}

void expect_refused(std::string_view raw) {
    response_head head;
    const auto read = parse_response_head(raw, head, false);
    const auto shown = testing::PrintToString(std::string(raw));
    ASSERT_TRUE(read.has_error()) << "not refused: " << shown;
    EXPECT_EQ(read.error().code, errc::upstream_protocol) << shown;
    EXPECT_FALSE(read.error().detail.empty()) << shown;
}

std::string passed_on(const response_head& head) {
    std::string out;
    append_end_to_end_headers(head.headers, "x-penstock-", {"server", "Date"}, out);
    return out;
}

TEST(response_head, reads_what_an_engine_answers) {
    const auto raw =
        "HTTP/1.1 200 OK\r\ndate: Mon\r\nserver: uvicorn\r\ncache-control: no-cache\r\n"
        "content-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"sv;
    const auto head = read(raw);
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.reason, "OK");
    EXPECT_EQ(head.headers.size(), 5u);
    EXPECT_EQ(head.headers.find("Content-Type"), "text/event-stream; charset=utf-8");
    EXPECT_EQ(head.framing, body_framing::chunked);
    EXPECT_EQ(head.minor_version, 1);
    EXPECT_TRUE(head.keep_alive);
}

TEST(response_head, is_lenient_where_engines_are_sloppy) {
    EXPECT_EQ(read("HTTP/1.1 200\r\nContent-Length:5\r\n\r\n").content_length, 5u);
    EXPECT_EQ(read("HTTP/1.1 200 \r\nContent-Length: 5  \r\n\r\n").reason, "");
    EXPECT_EQ(read("HTTP/1.1 404 Not \xC3\xA9 Found\r\n\r\n").reason, "Not \xC3\xA9 Found");
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nX:\r\n\r\n").headers.size(), 1u);
    EXPECT_EQ(read("HTTP/1.1 599 x\r\n\r\n").status, 599);
}

TEST(response_head, frames_the_body) {
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n").framing, body_framing::sized);
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").framing, body_framing::sized);
    const auto closed = read("HTTP/1.1 200 OK\r\n\r\n");
    EXPECT_EQ(closed.framing, body_framing::until_close);
    EXPECT_FALSE(closed.keep_alive);
}

TEST(response_head, has_no_body_where_the_status_or_the_method_says_so) {
    for (const auto status : {"100", "103", "204", "304"}) {
        const auto head = read("HTTP/1.1 "s + status + " x\r\n\r\n");
        EXPECT_EQ(head.framing, body_framing::none) << status;
        EXPECT_TRUE(head.keep_alive) << status;
    }
    const auto of_head = read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", true);
    EXPECT_EQ(of_head.framing, body_framing::none);
    EXPECT_EQ(of_head.content_length, 0u);
    EXPECT_TRUE(of_head.keep_alive);
    EXPECT_EQ(read("HTTP/1.1 304 x\r\nContent-Length: 9\r\n\r\n").framing, body_framing::none);
    EXPECT_TRUE(read("HTTP/1.1 304 x\r\nContent-Length: 9\r\n\r\n").keep_alive);
}

TEST(response_head, does_not_reuse_a_connection_that_announced_an_impossible_body) {
    EXPECT_FALSE(read("HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n").keep_alive);
    EXPECT_FALSE(read("HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n").keep_alive);
    EXPECT_TRUE(read("HTTP/1.1 204 x\r\nContent-Length: 0\r\n\r\n").keep_alive);
}

TEST(response_head, decides_whether_the_connection_goes_on) {
    const auto keeps = [](const char* version, const char* connection) {
        return read("HTTP/"s + version + " 200 OK\r\nContent-Length: 0\r\n" + connection + "\r\n")
            .keep_alive;
    };
    EXPECT_TRUE(keeps("1.1", ""));
    EXPECT_FALSE(keeps("1.1", "Connection: Close\r\n"));
    EXPECT_FALSE(keeps("1.0", ""));
    EXPECT_TRUE(keeps("1.0", "Connection: keep-alive\r\n"));
    EXPECT_FALSE(keeps("1.0", "Connection: keep-alive\r\nConnection: close\r\n"));
}

TEST(response_head, tolerates_equal_lengths) {
    const auto length = [](const char* headers) {
        return read("HTTP/1.1 200 OK\r\n"s + headers + "\r\n").content_length;
    };
    EXPECT_EQ(length("Content-Length: 5\r\nContent-Length: 5\r\n"), 5u);
    EXPECT_EQ(length("Content-Length: 5, 5\r\n"), 5u);
    EXPECT_EQ(length("Content-Length: 05\r\ncontent-length: 5\r\n"), 5u);
}

TEST(response_head, refuses_what_could_be_framed_in_two_ways) {
    for (const auto headers :
         {"Content-Length: 5\r\nContent-Length: 6\r\n"sv,
          "Content-Length: 5, 6\r\n"sv,
          "Content-Length: 0\r\nContent-Length: 6\r\n"sv,
          "Content-Length: 5,\r\n"sv,
          "Content-Length:\r\n"sv,
          "Content-Length: -1\r\n"sv,
          "Content-Length: +1\r\n"sv,
          "Content-Length: 0x1\r\n"sv,
          "Content-Length: 18446744073709551616\r\n"sv,
          "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"sv,
          "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"sv,
          "Transfer-Encoding: gzip, chunked\r\n"sv,
          "Transfer-Encoding: identity\r\n"sv,
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"sv,
          "Content-Length : 5\r\n"sv,
          "Content Length: 5\r\n"sv,
          ": 5\r\n"sv,
          "x\r\n"sv,
          "X: a\r\n b\r\n"sv,
          "X: a\nY: b\r\n"sv,
          "X: a\rY: b\r\n"sv,
          "X: a\0b\r\n"sv}) {
        expect_refused("HTTP/1.1 200 OK\r\n" + std::string(headers) + "\r\n");
    }
    expect_refused("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST(response_head, refuses_every_control_byte_wherever_it_stands) {
    for (int byte = 0; byte < 256; ++byte) {
        if ((byte >= 0x20 && byte != 0x7f) || byte == '\t') continue;
        for (std::size_t at = 0; at <= 40; ++at) {
            const auto value = std::string(at, 'x') + static_cast<char>(byte);
            expect_refused("HTTP/1.1 200 OK\r\nX: " + value + std::string(20, 'y') + "\r\n\r\n");
        }
    }
}

TEST(response_head, refuses_a_bad_status_line) {
    for (const auto line :
         {"",
          "HTTP/1.1",
          "HTTP/1.1 ",
          "HTTP/1.1 20",
          "HTTP/1.1 2000 OK",
          "HTTP/1.1 099 x",
          "HTTP/1.1 600 x",
          "HTTP/1.1 +20 x",
          "HTTP/1.1  200 OK",
          "HTTP/2.0 200 OK",
          "HTTP/1.2 200 OK",
          "http/1.1 200 OK",
          " HTTP/1.1 200 OK",
          "ICY 200 OK",
          "HTTP/1.1 200OK",
          "HTTP/1.1\t200 OK"})
        expect_refused(line + "\r\nContent-Length: 0\r\n\r\n"s);
}

TEST(response_head, refuses_a_switch_of_protocols_that_nobody_asked_for) {
    expect_refused("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
}

TEST(response_head, refuses_what_is_not_one_whole_head) {
    const auto whole = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"s;
    for (std::size_t size = 0; size < whole.size(); ++size)
        expect_refused(whole.substr(0, size));
    expect_refused(whole + "hello");
}

TEST(response_head, forgets_the_head_before) {
    response_head head;
    ASSERT_TRUE(parse_response_head("HTTP/1.0 500 x\r\nContent-Length: 5\r\n\r\n", head, false));
    ASSERT_TRUE(parse_response_head("HTTP/1.1 204\r\n\r\n", head, false));
    EXPECT_EQ(head.reason, "");
    EXPECT_EQ(head.content_length, 0u);
    EXPECT_EQ(head.framing, body_framing::none);
    EXPECT_EQ(head.headers.size(), 0u);
    EXPECT_TRUE(head.keep_alive);
}

TEST(append_end_to_end_headers, passes_lines_on_byte_for_byte) {
    const auto head = read(
        "HTTP/1.1 200 OK\r\nX-A:b \t\r\nx-b:   c\r\nSet-Cookie: a=1\r\nSet-Cookie: "
        "b=2\r\nX-E:\r\n\r\n"
    );
    EXPECT_EQ(
        passed_on(head), "X-A:b \t\r\nx-b:   c\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-E:\r\n"
    );
}

TEST(append_end_to_end_headers, leaves_out_what_concerns_this_connection_alone) {
    const auto head = read(
        "HTTP/1.1 200 OK\r\nConnection: X-Named, close\r\nKeep-Alive: timeout=5\r\nX-Named: 1\r\n"
        "Proxy-Authenticate: Basic\r\nProxy-Connection: close\r\nTE: trailers\r\nTrailer: X\r\n"
        "Upgrade: h2c\r\nContent-Length: 5\r\nX-Penstock-Pool: a\r\nServer: x\r\nDATE: y\r\nKept: "
        "1\r\n\r\n"
    );
    EXPECT_EQ(passed_on(head), "Kept: 1\r\n");
    const auto chunked = read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTraile: 1\r\n\r\n");
    EXPECT_EQ(passed_on(chunked), "Traile: 1\r\n");
}

TEST(append_end_to_end_headers, writes_headers_that_were_made_here) {
    header_list list;
    list.add({"x-made", "here", {}});
    std::string out = "before\r\n";
    append_end_to_end_headers(list, "", {}, out);
    EXPECT_EQ(out, "before\r\nx-made: here\r\n");
}

TEST(reason_phrase, knows_the_statuses_of_the_error_table) {
    EXPECT_EQ(reason_phrase(200), "OK");
    EXPECT_EQ(reason_phrase(429), "Too Many Requests");
    EXPECT_EQ(reason_phrase(599), "Unknown");
    EXPECT_EQ(reason_phrase(0), "Unknown");
    for (std::size_t i = 0; i < num_errcs; ++i) {
        const int status = describe(static_cast<errc>(i)).status;
        if (status != 499) {
            EXPECT_NE(reason_phrase(status), "Unknown") << status;
        }
    }
}

}  // namespace
}  // namespace penstock::http
