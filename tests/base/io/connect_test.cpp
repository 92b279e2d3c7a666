// Connecting, and the addresses to connect to.
#include "support/on_loop.hpp"
#include "transports.hpp"

#include <sys/un.h>

namespace penstock::io {
namespace {

using namespace test;
using std::chrono::milliseconds;

endpoint local(std::uint16_t port) {
    return parse_endpoint("127.0.0.1:" + std::to_string(port)).value();
}

struct attempt {
    bool connected = false;
    errc failed = errc::count_;
    std::string detail, peer;
};

attempt try_connect(const endpoint& where, duration wait = patience) {
    loop home;
    attempt out;
    const auto body = [](loop& home, const endpoint& where, duration wait, attempt& out
                      ) -> task<void> {
        channel made;
        auto connected = co_await connect(made, home, where, after(loop::exact_now(), wait));
        out.connected = connected.has_value();
        if (connected.has_error()) {
            out.failed = connected.error().code;
            out.detail = connected.error().detail;
            co_return;
        }
        out.peer = made.peer_address();
        auto sent = co_await made.send("hello");
        EXPECT_TRUE(sent.has_value());
    };
    run_on(home, body(home, where, wait, out));
    return out;
}

TEST(connect, reaches_a_tcp_listener) {
    const descriptor listener = listen_tcp(0);
    const attempt made = try_connect(local(port_of(listener.get())));
    EXPECT_TRUE(made.connected) << made.detail;
    EXPECT_EQ(made.peer, "127.0.0.1:" + std::to_string(port_of(listener.get())));
    const descriptor accepted(::accept(listener.get(), nullptr, nullptr));
    EXPECT_EQ(receive_all(accepted.get()), "hello");
}

TEST(connect, reaches_a_unix_listener) {
    const temporary_folder folder;
    const descriptor listener = listen_unix(folder / "s");
    const attempt made = try_connect(parse_endpoint("unix:" + (folder / "s")).value());
    EXPECT_TRUE(made.connected) << made.detail;
    const descriptor accepted(::accept(listener.get(), nullptr, nullptr));
    EXPECT_EQ(receive_all(accepted.get()), "hello");
}

TEST(connect, is_refused_where_nobody_listens) {
    std::uint16_t port = 0;
    {
        const descriptor listener = listen_tcp(0);
        port = port_of(listener.get());
    }
    const attempt made = try_connect(local(port));
    EXPECT_EQ(made.failed, errc::connection_refused) << made.detail;
    EXPECT_NE(made.detail.find(std::to_string(port)), std::string::npos);

    const temporary_folder folder;
    EXPECT_EQ(
        try_connect(parse_endpoint("unix:" + (folder / "absent")).value()).failed,
        errc::connection_refused
    );
    {
        const descriptor left_behind = listen_unix(folder / "stale");
    }
    EXPECT_EQ(
        try_connect(parse_endpoint("unix:" + (folder / "stale")).value()).failed,
        errc::connection_refused
    );
}

TEST(connect, gives_up_at_its_deadline) {
    const silent_listener listener;
    const auto began = clock::now();
    const attempt made = try_connect(local(listener.port()), milliseconds(60));
    EXPECT_EQ(made.failed, errc::timed_out) << made.detail;
    EXPECT_GE(clock::now() - began, milliseconds(60));
    EXPECT_LT(clock::now() - began, patience);
}

TEST(connect, ends_when_its_channel_is_closed) {
    const silent_listener listener;
    loop home;
    channel made;
    errc failed = errc::count_;
    bool ended = false;
    const auto connecting = [](channel& made, loop& home, endpoint where, errc& failed, bool& ended
                            ) -> task<void> {
        auto connected = co_await connect(made, home, where, never);
        failed = connected.has_error() ? connected.error().code : errc::count_;
        ended = true;
    };
    const auto body = [&]() -> task<void> {
        spawn(
            connecting(made, home, local(listener.port()), failed, ended), [](std::exception_ptr) {}
        );
        CO_REQUIRE(made.is_open() && !ended);
        made.close();
        const bool over = co_await until(home, [&] { return ended; });
        EXPECT_TRUE(over);
    };
    run_on(home, body());
    EXPECT_EQ(failed, errc::canceled);
}

TEST(endpoint, is_read_from_numbers_and_paths) {
    for (const std::string_view text :
         {"10.0.0.1:8000",
          "127.0.0.1:0",
          "255.255.255.255:65535",
          "[::1]:80",
          "[fe80::1]:443",
          "unix:/run/x.sock",
          "unix:relative"}) {
        const auto read = parse_endpoint(text);
        ASSERT_TRUE(read.has_value()) << text;
        EXPECT_EQ(read.value().text, text);
        EXPECT_FALSE(read.value().address.empty());
    }
}

TEST(endpoint, is_not_read_from_anything_else) {
    const std::string long_path = "unix:/" + std::string(107, 'x');
    for (const std::string_view text :
         {"",
          ":",
          ":80",
          "10.0.0.1",
          "10.0.0.1:",
          "10.0.0.1:x",
          "10.0.0.1:65536",
          "10.0.0.1:-1",
          "10.0.0.1:80 ",
          "10.0.0:80",
          "localhost:80",
          "::1:80",
          "[::1]",
          "[::1:80",
          "[10.0.0.1]:80",
          "unix:",
          long_path.c_str()}) {
        const auto read = parse_endpoint(text);
        ASSERT_TRUE(read.has_error()) << text;
        EXPECT_EQ(read.error().code, errc::invalid_value);
    }
    EXPECT_TRUE(parse_endpoint("unix:/" + std::string(106, 'x')).has_value());
}

TEST(endpoint, is_found_for_a_local_name) {
    const auto found = resolve("localhost", 8000);
    ASSERT_TRUE(found.has_value());
    ASSERT_FALSE(found.value().empty());
    for (const auto& each : found.value())
        EXPECT_TRUE(each.text == "127.0.0.1:8000" || each.text == "[::1]:8000") << each.text;
}

}  // namespace
}  // namespace penstock::io
