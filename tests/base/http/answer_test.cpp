// An upstream's answer as its bytes come, and whether its connection may carry another.
#include "penstock/http/client.hpp"
#include "support/on_loop.hpp"

#include <fcntl.h>
#include <string>
#include <sys/socket.h>
#include <vector>

namespace penstock::http {
namespace {

using namespace test;

struct got {
    std::optional<errc> head_failed, body_failed;
    int status = 0;
    std::string body;
    bool begun = false, reusable = false;
};

enum class then { nothing, fin, rst };

// What becomes of `wire` when it arrives in these pieces.
got read_answer(const std::vector<std::string_view>& pieces, then end, bool to_head = false) {
    io::loop home;
    const descriptor listener = listen_tcp(0);
    descriptor peer = connect_tcp(port_of(listener.get()));
    send_at_once(peer.get());
    const int fd = ::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK);
    io::channel upstream = io::channel::adopt(home, fd);
    got out;
    const auto sends = [](io::loop& home, auto pieces, descriptor& peer, then end
                       ) -> io::task<void> {
        for (const std::string_view piece : pieces) {
            ::send(peer.get(), piece.data(), piece.size(), MSG_NOSIGNAL);
            for (int i = 0; i < 4; ++i)
                co_await turn{home};
        }
        if (end == then::fin) ::shutdown(peer.get(), SHUT_WR);
        if (end == then::rst) peer.reset();
    };
    const auto reads = [](io::channel& upstream, bool to_head, got& out) -> io::task<void> {
        answer a(upstream);
        upstream.set_deadline(after(io::loop::exact_now(), std::chrono::milliseconds(300)));
        auto head = co_await a.read_head(to_head);
        out.begun = a.has_begun();
        if (head.has_error()) {
            out.head_failed = head.error().code;
            co_return;
        }
        out.status = a.head().status;
        std::string_view payload;
        while (true) {
            const auto step = a.next(payload);
            if (step == body_reader::step::payload) {
                out.body += payload;
                continue;
            }
            if (step == body_reader::step::malformed) out.body_failed = errc::upstream_protocol;
            if (step != body_reader::step::more) break;
            auto bytes = co_await upstream.read();
            auto more = a.feed(std::move(bytes));
            if (more.has_error()) out.body_failed = more.error().code;
            if (more.has_error() || !more.value()) break;
        }
        out.reusable = !out.body_failed && a.is_reusable();
    };
    bool all_sent = false;
    io::spawn(sends(home, pieces, peer, end), [&](std::exception_ptr) { all_sent = true; });
    const auto both = [](io::loop& home, io::task<void> reading, bool& all_sent) -> io::task<void> {
        co_await std::move(reading);
        std::ignore = co_await until(home, [&] { return all_sent; });
    };
    run_on(home, both(home, reads(upstream, to_head, out), all_sent));
    return out;
}

got read_whole(std::string_view wire, then end = then::nothing, bool to_head = false) {
    return read_answer({wire}, end, to_head);
}

constexpr std::string_view sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
constexpr std::string_view chunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
constexpr std::string_view until_close = "HTTP/1.1 200 OK\r\n\r\nhello";

TEST(answer, is_read_wherever_its_bytes_are_split) {
    for (const std::string_view wire : {sized, chunked}) {
        for (std::size_t split = 1; split < wire.size(); ++split) {
            const got a = read_answer({wire.substr(0, split), wire.substr(split)}, then::nothing);
            ASSERT_EQ(a.status, 200) << split;
            ASSERT_EQ(a.body, "hello") << split;
            ASSERT_TRUE(a.reusable) << split;
        }
    }
}

TEST(answer, may_end_with_its_connection_when_nothing_else_ends_it) {
    const got a = read_whole(until_close, then::fin);
    EXPECT_EQ(a.body, "hello");
    EXPECT_FALSE(a.body_failed);
    EXPECT_FALSE(a.reusable);
    EXPECT_EQ(read_whole(until_close, then::rst).body_failed, errc::connection_reset);
}

TEST(answer, is_broken_when_its_connection_ends_inside_it) {
    for (const std::string_view wire : {sized, chunked}) {
        for (const auto cut : {wire.find("he") + 1, wire.size() - 1}) {
            const got a = read_whole(wire.substr(0, cut), then::fin);
            EXPECT_EQ(a.body_failed, errc::upstream_broken) << wire.substr(0, cut);
            EXPECT_FALSE(a.reusable);
            EXPECT_EQ(
                read_whole(wire.substr(0, cut), then::rst).body_failed, errc::connection_reset
            );
        }
    }
}

TEST(answer, tells_an_end_before_it_began_from_one_inside_its_head) {
    for (const then how : {then::fin, then::rst}) {
        const got nothing = read_whole("", how);
        EXPECT_FALSE(nothing.begun);
        EXPECT_EQ(
            nothing.head_failed, how == then::fin ? errc::end_of_stream : errc::connection_reset
        );
        const got half = read_whole(sized.substr(0, 20), how);
        EXPECT_TRUE(half.begun);
        EXPECT_EQ(
            half.head_failed, how == then::fin ? errc::upstream_protocol : errc::connection_reset
        );
    }
    const got silent = read_whole("");
    EXPECT_EQ(silent.head_failed, errc::timed_out);
    EXPECT_FALSE(silent.begun);
}

TEST(answer, skips_interim_heads) {
    const std::string interim = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    const std::string wire = "HTTP/1.1 100 Continue\r\n\r\n" + interim + std::string(sized);
    EXPECT_EQ(read_whole(wire).body, "hello");
    for (std::size_t split = 1; split < wire.size(); split += 3) {
        const std::string_view all = wire;
        const got a = read_answer({all.substr(0, split), all.substr(split)}, then::nothing);
        ASSERT_EQ(a.body, "hello") << split;
    }
    EXPECT_EQ(read_whole(interim, then::fin).head_failed, errc::upstream_protocol);
}

TEST(answer, is_refused_when_it_is_no_http_or_has_no_end_of_its_head) {
    for (const std::string_view wire :
         {"SSH-2.0-OpenSSH\r\n\r\n",
          "HTTP/2 200\r\n\r\n",
          "HTTP/1.1 101 Switching Protocols\r\n\r\n",
          "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"})
        EXPECT_EQ(read_whole(wire).head_failed, errc::upstream_protocol) << wire;
    std::string endless = "HTTP/1.1 200 OK\r\n";
    while (endless.size() < 200 * 1024)
        endless += "x: " + std::string(1000, 'y') + "\r\n";
    EXPECT_EQ(read_whole(endless).head_failed, errc::upstream_protocol);
}

TEST(answer, leaves_its_connection_usable_only_when_it_ended_cleanly_and_the_peer_keeps_it) {
    const auto with = [](std::string_view line, std::string_view after = "") {
        return "HTTP/1.1 200 OK\r\n" + std::string(line) + "Content-Length: 5\r\n\r\nhello" +
               std::string(after);
    };
    EXPECT_TRUE(read_whole(with("")).reusable);
    EXPECT_TRUE(read_whole(with("Connection: keep-alive\r\n")).reusable);
    EXPECT_FALSE(read_whole(with("Connection: close\r\n")).reusable);
    EXPECT_FALSE(read_whole(with("Connection: x, Close\r\n")).reusable);
    EXPECT_FALSE(read_whole(with("", "HTTP/1.1 200 OK\r\n")).reusable) << "unasked for";
    EXPECT_FALSE(read_whole("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").reusable);
    EXPECT_TRUE(read_whole("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n")
                    .reusable);
    EXPECT_TRUE(read_whole("HTTP/1.1 204 No Content\r\n\r\n").reusable);
    EXPECT_FALSE(read_whole("HTTP/1.1 204 No Content\r\n\r\nbody").reusable);
    EXPECT_TRUE(
        read_whole("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", then::nothing, true).reusable
    );
}

TEST(answer, refuses_broken_chunks) {
    const got a = read_whole("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhexyz");
    EXPECT_EQ(a.body, "he");
    EXPECT_EQ(a.body_failed, errc::upstream_protocol);
    EXPECT_FALSE(a.reusable);
}

}  // namespace
}  // namespace penstock::http
