// Reading from a channel: at every size, with a watcher, unread, until the end.
#include "support/on_loop.hpp"
#include "transports.hpp"

#include <random>

namespace penstock::io {
namespace {

using namespace test;
using std::chrono::milliseconds;

class channel_reading : public testing::TestWithParam<transport> {
 protected:
    channel_reading() {
        auto [ours, raw] = connected(GetParam());
        mine = test::adopt(home, std::move(ours));
        peer = std::move(raw);
    }
    void run(task<void> body) { run_on(home, std::move(body)); }

    loop home;
    channel mine;
    descriptor peer;
};

INSTANTIATE_TEST_SUITE_P(
    over,
    channel_reading,
    testing::Values(transport::pair, transport::unix_socket, transport::tcp),
    [](const auto& of) { return name_of(of.param); }
);

// Reads exactly so many bytes; fewer when it cannot.
task<std::string> read_exactly(channel& from, std::size_t size) {
    std::string all;
    while (all.size() < size) {
        auto bytes = co_await from.read();
        if (bytes.has_error() || bytes.value().empty()) break;
        all += bytes.value();
    }
    co_return all;
}

struct witness final : departure_watcher {
    void on_departure() noexcept override { ++times; }
    int times = 0;
};

constexpr std::size_t sizes[] = {1, 1024, 4096, 4097, 65'536, 70'000};

TEST_P(channel_reading, takes_what_already_lies_there_at_every_size) {
    const auto body = [](channel& mine, int peer) -> task<void> {
        for (const std::size_t size : sizes) {
            const std::string sent = pattern(size);
            send_all(peer, sent);
            const std::string got = co_await read_exactly(mine, size);
            EXPECT_EQ(got.size(), size);
            EXPECT_TRUE(got == sent) << size;
        }
    };
    run(body(mine, peer.get()));
}

TEST_P(channel_reading, takes_what_comes_while_it_waits) {
    const auto body = [](loop& home, channel& mine, int peer) -> task<void> {
        for (const std::size_t size : sizes) {
            const std::string sent = pattern(size);
            home.post([&] { send_all(peer, sent); });
            const std::string got = co_await read_exactly(mine, size);
            EXPECT_TRUE(got == sent) << size;
        }
    };
    run(body(home, mine, peer.get()));
}

TEST_P(channel_reading, takes_all_that_is_there_in_one_read) {
    const auto body = [](channel& mine, int peer) -> task<void> {
        send_all(peer, pattern(20'000));
        auto first = co_await mine.read();
        CO_REQUIRE(first.has_value());
        EXPECT_GT(first.value().size(), 1024u);
    };
    run(body(mine, peer.get()));
}

TEST_P(channel_reading, sees_the_end_after_all_bytes_and_again_and_again) {
    const auto body = [](channel& mine, int peer) -> task<void> {
        send_all(peer, pattern(1024));
        ::shutdown(peer, SHUT_WR);
        const std::string got = co_await read_exactly(mine, 2000);
        EXPECT_EQ(got, pattern(1024));
        for (int i = 0; i < 3; ++i) {
            auto end = co_await mine.read();
            CO_REQUIRE(end.has_value());
            EXPECT_TRUE(end.value().empty());
        }
        EXPECT_TRUE(mine.is_open());
    };
    run(body(mine, peer.get()));
}

TEST_P(
    channel_reading, keeps_what_came_under_a_watcher_for_the_next_reader_and_loses_nothing_after
) {
    const auto body = [](loop& home, channel& mine, int peer) -> task<void> {
        witness watcher;
        for (const std::size_t size : {3u, 1000u, 1024u, 5u}) {
            const std::string kept = pattern(size, 2), later = pattern(100, 3);
            mine.watch(&watcher);
            send_all(peer, kept);
            const bool came = co_await until(home, [&] { return mine.is_stale(); });
            EXPECT_TRUE(came);
            mine.watch(nullptr);
            const std::string first = co_await read_exactly(mine, size);
            EXPECT_TRUE(first == kept) << size;
            send_all(peer, later);
            const std::string second = co_await read_exactly(mine, later.size());
            EXPECT_TRUE(second == later) << size;
        }
        EXPECT_EQ(watcher.times, 0);
    };
    run(body(home, mine, peer.get()));
}

TEST_P(channel_reading, delivers_a_long_stream_in_order_under_random_watching_and_unreading) {
    const auto body = [](loop& home, channel& mine, int peer) -> task<void> {
        std::mt19937 random(42);
        witness watcher;
        const std::string all = pattern(600'000);
        std::string_view unsent = all;
        std::string got;
        while (got.size() < all.size()) {
            mine.watch(random() % 2 ? &watcher : nullptr);
            for (auto pieces = random() % 3; pieces > 0 && !unsent.empty(); --pieces) {
                const std::size_t wanted = random() % 4 ? random() % 1100 : random() % 9000;
                const auto piece = unsent.substr(0, wanted);
                send_all(peer, piece);
                unsent.remove_prefix(piece.size());
                for (auto turns = random() % 3; turns > 0; --turns)
                    co_await turn{home};
            }
            const std::size_t sent = all.size() - unsent.size();
            if (got.size() == sent) continue;
            auto bytes = co_await mine.read();
            CO_REQUIRE(bytes.has_value() && !bytes.value().empty());
            const std::size_t taken = 1 + random() % bytes.value().size();
            got += bytes.value().substr(0, taken);
            if (taken < bytes.value().size()) mine.unread(bytes.value().substr(taken));
        }
        EXPECT_TRUE(got == all);
        EXPECT_EQ(watcher.times, 0);
    };
    run(body(home, mine, peer.get()));
}

TEST_P(channel_reading, keeps_a_little_for_one_watcher_after_the_other_and_takes_it_for_no_end) {
    const auto body = [](loop& home, channel& mine, int peer) -> task<void> {
        const std::string sent = pattern(5000);
        send_all(peer, sent);
        witness watcher;
        for (int times = 0; times < 3; ++times) {
            mine.watch(&watcher);
            for (int i = 0; i < 10; ++i)
                co_await turn{home};
            mine.watch(nullptr);
        }
        EXPECT_EQ(watcher.times, 0);
        const std::string got = co_await read_exactly(mine, sent.size());
        EXPECT_TRUE(got == sent);
    };
    run(body(home, mine, peer.get()));
}

TEST_P(channel_reading, gives_back_unread_bytes_first_the_last_unread_before_those_before) {
    const auto body = [](channel& mine, int peer) -> task<void> {
        send_all(peer, "head|body|next");
        std::string all = co_await read_exactly(mine, 14);
        mine.unread(std::string_view(all).substr(10));
        mine.unread(std::string_view(all).substr(5, 5));
        auto again = co_await mine.read();
        CO_REQUIRE(again.has_value());
        EXPECT_EQ(again.value(), "body|next");
        mine.unread(again.value().substr(5));
        send_all(peer, " wire");
        again = co_await mine.read();
        CO_REQUIRE(again.has_value());
        EXPECT_EQ(again.value(), "next");
        const std::string wire = co_await read_exactly(mine, 5);
        EXPECT_EQ(wire, " wire");
    };
    run(body(mine, peer.get()));
}

TEST_P(channel_reading, tells_the_watcher_once_that_the_peer_ended_and_keeps_what_it_said) {
    const auto body = [](loop& home, channel& mine, int peer) -> task<void> {
        witness watcher;
        mine.watch(&watcher);
        send_all(peer, "last words");
        ::shutdown(peer, SHUT_WR);
        const bool told = co_await until(home, [&] { return watcher.times > 0; });
        EXPECT_TRUE(told);
        EXPECT_TRUE(mine.has_departed());
        auto bytes = co_await mine.read();
        CO_REQUIRE(bytes.has_value());
        EXPECT_EQ(bytes.value(), "last words");
        bytes = co_await mine.read();
        CO_REQUIRE(bytes.has_value());
        EXPECT_TRUE(bytes.value().empty());
        EXPECT_EQ(watcher.times, 1);
    };
    run(body(home, mine, peer.get()));
}

TEST_P(channel_reading, tells_the_watcher_of_a_peer_that_said_a_lot_before_it_left) {
    const auto body = [](loop& home, channel& mine, int peer) -> task<void> {
        witness watcher;
        mine.watch(&watcher);
        send_all(peer, pattern(60'000));
        ::shutdown(peer, SHUT_WR);
        const bool told = co_await until(home, [&] { return watcher.times > 0; });
        EXPECT_TRUE(told);
        std::string got;
        while (got.size() < 60'000) {
            auto bytes = co_await mine.read();
            CO_REQUIRE(bytes.has_value() && !bytes.value().empty());
            got += bytes.value();
        }
        EXPECT_EQ(got, pattern(60'000));
    };
    run(body(home, mine, peer.get()));
}

TEST_P(channel_reading, tells_a_watcher_that_comes_after_the_end_was_read) {
    const auto body = [](loop& home, channel& mine, int peer) -> task<void> {
        send_all(peer, pattern(1024));
        ::shutdown(peer, SHUT_WR);
        for (bool ended = false; !ended;) {
            auto bytes = co_await mine.read();
            CO_REQUIRE(bytes.has_value());
            ended = bytes.value().empty();
        }
        witness watcher;
        mine.watch(&watcher);
        EXPECT_EQ(watcher.times, 0) << "not inside the call";
        const bool told = co_await until(home, [&] { return watcher.times > 0; });
        EXPECT_TRUE(told);
    };
    run(body(home, mine, peer.get()));
}

TEST_P(channel_reading, tells_no_watcher_that_was_taken_away) {
    const auto body = [](loop& home, channel& mine, descriptor& peer) -> task<void> {
        witness first, second;
        mine.watch(&first);
        mine.watch(nullptr);
        peer.close();
        for (int i = 0; i < 10; ++i)
            co_await turn{home};
        mine.watch(&second);
        const bool told = co_await until(home, [&] { return second.times > 0; });
        EXPECT_TRUE(told);
        EXPECT_EQ(first.times, 0);
    };
    run(body(home, mine, peer));
}

TEST_P(channel_reading, lets_the_watcher_close_the_channel_that_tells) {
    struct closer final : departure_watcher {
        explicit closer(channel& of) : of(of) {}
        void on_departure() noexcept override {
            ++times;
            of.abort();
        }
        channel& of;
        int times = 0;
    };
    const auto body = [](loop& home, channel& mine, descriptor& peer) -> task<void> {
        closer watcher(mine);
        mine.watch(&watcher);
        peer.close();
        const bool told = co_await until(home, [&] { return watcher.times > 0; });
        EXPECT_TRUE(told);
        for (int i = 0; i < 10; ++i)
            co_await turn{home};
        EXPECT_EQ(watcher.times, 1);
        EXPECT_FALSE(mine.is_open());
    };
    run(body(home, mine, peer));
}

TEST_P(channel_reading, tells_the_watcher_of_our_own_closing_whatever_waits_in_the_buffer) {
    for (const std::size_t waiting : {0u, 10u, 5000u}) {
        loop own;
        auto [ours, raw] = connected(GetParam());
        channel one = test::adopt(own, std::move(ours));
        const auto body = [](loop& home, channel& one, int peer, std::size_t waiting
                          ) -> task<void> {
            witness watcher;
            one.watch(&watcher);
            send_all(peer, pattern(waiting));
            if (waiting > 0) co_await until(home, [&] { return one.is_stale(); });
            for (int i = 0; i < 10; ++i)
                co_await turn{home};
            one.close();
            EXPECT_EQ(watcher.times, 0) << "not inside the call";
            const bool told = co_await until(home, [&] { return watcher.times > 0; });
            EXPECT_TRUE(told) << waiting;
        };
        run_on(own, body(own, one, raw.get(), waiting));
    }
}

TEST_P(channel_reading, is_stale_once_something_came_unasked_for) {
    EXPECT_FALSE(mine.is_stale());
    const auto body = [](loop& home, channel& mine, descriptor& peer) -> task<void> {
        witness watcher;
        mine.watch(&watcher);
        for (int i = 0; i < 10; ++i)
            co_await turn{home};
        EXPECT_FALSE(mine.is_stale());
        send_all(peer.get(), "x");
        const bool stale = co_await until(home, [&] { return mine.is_stale(); });
        EXPECT_TRUE(stale);
        std::ignore = co_await read_exactly(mine, 1);
        EXPECT_FALSE(mine.is_stale());
        mine.unread("y");
        EXPECT_TRUE(mine.is_stale());
        std::ignore = co_await read_exactly(mine, 1);
        EXPECT_FALSE(mine.is_stale());
        peer.close();
        const bool gone = co_await until(home, [&] { return mine.is_stale(); });
        EXPECT_TRUE(gone);
    };
    run(body(home, mine, peer));
    mine.close();
    EXPECT_TRUE(mine.is_stale());
}

// ── resets ──────────────────────────────────────────────────────────────────────────────────────

class channel_resets : public testing::TestWithParam<std::size_t> {};

// The kernel tells of a reset once; whoever reads next would see a proper end.
TEST_P(channel_resets, are_errors_and_never_ends_whatever_came_before) {
    loop home;
    auto [ours, raw] = connected(transport::tcp);
    channel mine = test::adopt(home, std::move(ours));
    const auto body = [](channel& mine, descriptor& peer, std::size_t before) -> task<void> {
        send_all(peer.get(), pattern(before));
        peer.reset();
        while (true) {
            auto bytes = co_await mine.read();
            if (bytes.has_error()) {
                EXPECT_EQ(bytes.error().code, errc::connection_reset);
                break;
            }
            CO_REQUIRE(!bytes.value().empty());
        }
        auto again = co_await mine.read();
        CO_REQUIRE(again.has_error());
        EXPECT_EQ(again.error().code, errc::connection_reset);
    };
    run_on(home, body(mine, raw, GetParam()));
}

INSTANTIATE_TEST_SUITE_P(
    after,
    channel_resets,
    testing::Values(0, 1, 1023, 1024, 1025, 60'000),
    [](const auto& of) { return std::to_string(of.param) + "_bytes"; }
);

TEST(channel, tells_the_watcher_of_a_reset) {
    loop home;
    auto [ours, raw] = connected(transport::tcp);
    channel mine = test::adopt(home, std::move(ours));
    const auto body = [](loop& home, channel& mine, descriptor& peer) -> task<void> {
        witness watcher;
        mine.watch(&watcher);
        peer.reset();
        const bool told = co_await until(home, [&] { return watcher.times > 0; });
        EXPECT_TRUE(told);
        auto bytes = co_await mine.read();
        CO_REQUIRE(bytes.has_error());
        EXPECT_EQ(bytes.error().code, errc::connection_reset);
    };
    run_on(home, body(home, mine, raw));
}

}  // namespace
}  // namespace penstock::io
