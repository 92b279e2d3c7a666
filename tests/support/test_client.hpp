// A raw, blocking HTTP/1.1 client for tests: it sends what it is given, valid or not, and tells
// exactly what came back and when.
#pragma once

#include "support/message.hpp"
#include "support/socket.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock::test {

struct response {
    int status = 0;      // 0: the connection ended before a head
    std::string head;    // raw, its empty line included
    std::string body;    // out of its framing
    bool whole = false;  // the body ended as its framing says
    bool reset = false;  // the connection ended in a RST

    std::optional<std::string> header(std::string_view name) const { return header_of(head, name); }
};

struct timed_event {
    std::string text;  // with its empty line
    time_point at;     // when its last byte came
};

// `POST PATH` with a JSON body, Host and Content-Length, and these headers.
std::string post(
    std::string_view path,
    std::string_view body,
    const std::vector<std::pair<std::string, std::string>>& headers = {}
);
std::string get(
    std::string_view path, const std::vector<std::pair<std::string, std::string>>& headers = {}
);

class test_client {
 public:
    // Throws std::system_error when refused. A small receive buffer makes a client that reads
    // slowly push back early.
    explicit test_client(std::uint16_t port, int receive_buffer = 0)
        : socket_(connect_tcp(port, receive_buffer)) {}
    explicit test_client(const std::string& unix_path) : socket_(connect_unix(unix_path)) {}

    // False when the peer is gone.
    bool send(std::string_view bytes);
    // So many bytes at a time with a pause between.
    bool send_slowly(std::string_view bytes, std::size_t step, milliseconds pause);

    // Sends, then reads one response; leaves the connection open.
    response exchange(std::string_view bytes);
    // Interim responses (1xx) are skipped.
    response read_response(bool to_head_request = false);
    // The head alone; the body is then taken with `read_event`, `read_some` or `read_rest`. Interim
    // responses are returned like others.
    response read_head();
    // The next event of a text/event-stream; nothing at its end.
    std::optional<timed_event> read_event();
    // The next payload bytes, at most `at_most`; empty at the end.
    std::string read_some(std::size_t at_most);
    // What is left of the body.
    std::string read_rest();
    // Reads payload at this rate, then returns how much came.
    std::size_t read_slowly(std::size_t bytes_per_second, milliseconds how_long);

    // Whether the peer ends the connection within this time; what it sends meanwhile is dropped.
    bool is_closed_within(milliseconds time);
    // Whether nothing at all comes within this time, the connection staying open.
    bool is_quiet_for(milliseconds time);

    void close() { socket_.close(); }
    void reset() { socket_.reset(); }
    void shut_write();
    // Changes how long a read waits before the test fails with an exception.
    void set_patience(milliseconds time) { patience_ = time; }
    int fd() const noexcept { return socket_.get(); }

 private:
    enum class got { bytes, end, reset };
    got fill(std::size_t at_most = 64 * 1024);

    descriptor socket_;
    milliseconds patience_ = patience;
    std::string bytes_;  // read, not yet understood
    std::string body_;   // payload that has not been handed out
    deframer framing_;
    bool ended_ = false, reset_ = false;
};

}  // namespace penstock::test
