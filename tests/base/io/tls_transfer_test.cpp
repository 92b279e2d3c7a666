// TLS on channels: many bytes both ways, slow peers, stale connections.
#include "tls_pair.hpp"

namespace penstock::io {
namespace {

// ── many bytes ──────────────────────────────────────────────────────────────────────────────────

task<void> receive_into(channel& from, std::string& got, std::size_t size) {
    while (got.size() < size) {
        auto bytes = co_await from.read();
        CO_REQUIRE(bytes.has_value() && !bytes.value().empty());
        got += bytes.value();
    }
}

task<void> send_whole(channel& to, std::string_view whole) {
    auto sent = co_await to.send(whole);
    EXPECT_TRUE(sent.has_value());
}

TEST_F(tls, passes_megabytes_both_ways_at_once) {
    loop home;
    auto [one, two] = connected(transport::tcp);
    channel at_server = test::adopt(home, std::move(one));
    channel at_client = test::adopt(home, std::move(two));
    const std::string down = pattern(5'000'000, 1), up = pattern(3'000'000, 2);
    std::string got_down, got_up;
    int ended = 0;
    outcome server_side;
    const auto count = [&](std::exception_ptr) { ++ended; };
    spawn(
        secure(
            at_server, server(ca.issue("s", "DNS:s")), tls_session::role::server, {}, server_side
        ),
        count
    );
    const auto body = [&](context with) -> task<void> {
        outcome client_side;
        co_await secure(at_client, std::move(with), tls_session::role::client, "s", client_side);
        CO_REQUIRE(client_side.done);
        co_await until(home, [&] { return ended == 1; });
        spawn(send_whole(at_server, down), count);
        spawn(send_whole(at_client, up), count);
        spawn(receive_into(at_server, got_up, up.size()), count);
        co_await receive_into(at_client, got_down, down.size());
        const bool all = co_await until(home, [&] { return ended == 4; });
        EXPECT_TRUE(all);
    };
    run_on(home, body(client(ca.file())));
    EXPECT_TRUE(got_down == down);
    EXPECT_TRUE(got_up == up);
}

TEST_F(tls, takes_little_more_than_a_slow_peer_does_and_sends_it_by_itself_later) {
    const context with = server(ca.issue("server"));
    auto [ours, theirs] = connected(transport::pair);
    std::atomic<std::size_t> taken{0};
    std::atomic<bool> full{false};
    const auto fill = [&](channel& mine) -> task<void> {
        const std::string block = pattern(64 * 1024);
        while (true) {
            auto sent = mine.send_now(block);
            CO_REQUIRE(sent.has_value());
            if (sent.value() == 0) break;
            taken += sent.value();
            CO_REQUIRE(taken < 16u * 1024 * 1024);
        }
        full = true;
        // Nobody sends any more; what was taken leaves all the same.
        auto bye = co_await mine.read();
        EXPECT_TRUE(bye.has_value());
    };
    std::thread at_server([&, end = std::move(ours)]() mutable {
        EXPECT_TRUE(serve(std::move(end), with, fill).done);
    });
    foreign_client foreign(theirs.get());
    ASSERT_TRUE(foreign.connect());
    while (!full)
        std::this_thread::yield();
    std::size_t got = 0;
    while (got < taken) {
        const std::size_t size = foreign.read().size();
        ASSERT_GT(size, 0u);
        got += size;
    }
    EXPECT_EQ(got, taken);
    SSL_write(foreign.session, "bye", 3);
    at_server.join();
}

TEST_F(tls, is_stale_when_the_peer_said_or_ended_something_but_not_for_a_session_ticket) {
    const context with = server(ca.issue("server", "DNS:server"));
    const context as_client = client(ca.file());
    for (const std::string_view extra : {"", "unasked for", "end"}) {
        const auto answer = [extra](channel& mine) -> task<void> {
            // In one flight with what was asked for, so that one read brings both.
            if (extra == "end") {
                std::ignore = mine.send_now("answer");
                mine.shutdown_send();
            } else {
                std::ignore = mine.send_now("answer");
                if (!extra.empty()) std::ignore = mine.send_now(extra);
            }
            std::ignore = co_await mine.read();
        };
        auto [ours, theirs] = connected(transport::pair);
        std::thread at_server([&, end = std::move(theirs)]() mutable {
            EXPECT_TRUE(serve(std::move(end), with, answer).done);
        });
        loop home;
        channel mine = test::adopt(home, std::move(ours));
        const auto body = [](loop& home, channel& mine, context with, bool stale) -> task<void> {
            auto secured = co_await mine.start_tls(with, tls_session::role::client, "server");
            CO_REQUIRE(secured.has_value());
            auto got = co_await mine.read();
            CO_REQUIRE(got.has_value());
            EXPECT_EQ(got.value(), "answer");
            struct : departure_watcher {
                void on_departure() noexcept override {}
            } watcher;
            mine.watch(&watcher);
            if (stale) {
                const bool seen = co_await until(home, [&] { return mine.is_stale(); });
                EXPECT_TRUE(seen);
            } else {
                for (int i = 0; i < 100; ++i)
                    co_await turn{home};
                EXPECT_FALSE(mine.is_stale());
            }
            mine.close();
        };
        run_on(home, body(home, mine, as_client, !extra.empty()));
        at_server.join();
    }
}

}  // namespace
}  // namespace penstock::io
