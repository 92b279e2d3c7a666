// Sending on a channel, its deadlines, its end.
#include "support/on_loop.hpp"
#include "transports.hpp"

#include <memory>
#include <thread>
#include <vector>

namespace penstock::io {
namespace {

using namespace test;
using std::chrono::milliseconds;

class channel_life : public testing::TestWithParam<transport> {
 protected:
    channel_life() {
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
    channel_life,
    testing::Values(transport::pair, transport::unix_socket, transport::tcp),
    [](const auto& of) { return name_of(of.param); }
);

// Sends until the kernel takes nothing more.
void fill(channel& out) {
    const std::string block(64 * 1024, 'f');
    for (int full = 0; full < 3;) {
        auto sent = out.send_now(block);
        ASSERT_TRUE(sent.has_value());
        full = sent.value() == 0 ? full + 1 : 0;
    }
}

TEST_P(channel_life, sends_pieces_of_all_sizes_in_order) {
    std::vector<std::string> texts;
    std::string whole;
    for (int i = 0; i < 200; ++i) {
        texts.push_back(pattern(i % 7 == 0 ? 0 : static_cast<std::size_t>(i) * 3, 9));
        whole += texts.back();
    }
    const std::vector<std::string_view> pieces(texts.begin(), texts.end());
    std::string got;
    std::thread reader([&] { got = receive_all(peer.get()); });
    const auto body = [](channel& mine, const auto& pieces) -> task<void> {
        auto sent = co_await mine.send(pieces);
        EXPECT_TRUE(sent.has_value());
        auto nothing = co_await mine.send("");
        EXPECT_TRUE(nothing.has_value());
        mine.close();
    };
    run(body(mine, pieces));
    reader.join();
    EXPECT_TRUE(got == whole);
}

TEST_P(channel_life, waits_for_a_peer_that_takes_little_at_a_time) {
    const std::string whole = pattern(6 * 1024 * 1024);
    std::string got;
    std::thread reader([&] {
        std::string part(8 * 1024, '\0');
        for (ssize_t size = 1; size > 0;) {
            size = ::recv(peer.get(), part.data(), part.size(), 0);
            if (size > 0) got.append(part, 0, static_cast<std::size_t>(size));
            std::this_thread::yield();
        }
    });
    const auto body = [](channel& mine, std::string_view whole) -> task<void> {
        auto sent = co_await mine.send(whole);
        EXPECT_TRUE(sent.has_value());
        mine.close();
    };
    run(body(mine, whole));
    reader.join();
    EXPECT_TRUE(got == whole);
}

TEST_P(channel_life, sends_now_what_the_kernel_takes_and_says_how_much) {
    const std::string block = pattern(64 * 1024);
    std::string taken;
    for (;;) {
        auto sent = mine.send_now(block);
        ASSERT_TRUE(sent.has_value());
        taken.append(block, 0, sent.value());
        if (sent.value() == 0) break;
        ASSERT_LT(taken.size(), 64u * 1024 * 1024) << "the kernel takes without bound";
    }
    mine.close();
    EXPECT_TRUE(receive_all(peer.get()) == taken);
}

TEST_P(channel_life, fails_to_send_to_a_peer_that_is_gone) {
    peer.close();
    const auto body = [](channel& mine) -> task<void> {
        const std::string much = pattern(8 * 1024 * 1024);
        auto sent = co_await mine.send(much);
        CO_REQUIRE(sent.has_error());
        EXPECT_EQ(sent.error().code, errc::connection_reset);
    };
    run(body(mine));
}

// ── deadlines ───────────────────────────────────────────────────────────────────────────────────

TEST_P(channel_life, ends_a_read_at_its_deadline_and_reads_on_afterwards) {
    const auto body = [](channel& mine, int peer) -> task<void> {
        for (int i = 0; i < 2; ++i) {
            const time_point due = loop::exact_now() + milliseconds(40);
            mine.set_deadline(due);
            auto bytes = co_await mine.read();
            CO_REQUIRE(bytes.has_error());
            EXPECT_EQ(bytes.error().code, errc::timed_out);
            EXPECT_GE(loop::exact_now(), due);
        }
        EXPECT_TRUE(mine.is_open());
        send_all(peer, "late");
        auto bytes = co_await mine.read();
        CO_REQUIRE(bytes.has_value());
        EXPECT_EQ(bytes.value(), "late");
    };
    run(body(mine, peer.get()));
}

TEST_P(channel_life, forgets_a_deadline_that_was_taken_away_or_moved) {
    const auto body = [](loop& home, channel& mine, int peer) -> task<void> {
        for (const time_point later : {never, after(home.now(), std::chrono::hours(1))}) {
            mine.set_deadline(loop::exact_now() + milliseconds(20));
            mine.set_deadline(later);
            alarm a(home);
            std::ignore = co_await a.wait_until(loop::exact_now() + milliseconds(60));
            home.post([peer] { send_all(peer, "x"); });
            auto bytes = co_await mine.read();
            EXPECT_TRUE(bytes.has_value());
        }
    };
    run(body(home, mine, peer.get()));
}

TEST_P(channel_life, ends_a_send_at_its_deadline) {
    fill(mine);
    const auto body = [](channel& mine) -> task<void> {
        mine.set_deadline(loop::exact_now() + milliseconds(40));
        auto sent = co_await mine.send("more");
        CO_REQUIRE(sent.has_error());
        EXPECT_EQ(sent.error().code, errc::timed_out);
        EXPECT_TRUE(mine.is_open());
    };
    run(body(mine));
}

// Whoever is told that his time is up may answer, and that has a time of its own.
TEST_P(channel_life, does_not_end_a_send_that_began_when_a_read_timed_out) {
    fill(mine);
    std::string got;
    std::thread reader;
    const auto body = [](channel& mine, std::string& got, std::thread& reader, int peer
                      ) -> task<void> {
        mine.set_deadline(loop::exact_now() + milliseconds(20));
        auto bytes = co_await mine.read();
        CO_REQUIRE(bytes.has_error());
        mine.set_deadline(after(loop::exact_now(), patience));
        reader = std::thread([&got, peer] { got = receive_all(peer); });
        auto sent = co_await mine.send("too late");
        EXPECT_TRUE(sent.has_value());
        mine.close();
    };
    run(body(mine, got, reader, peer.get()));
    mine.close();
    reader.join();
    EXPECT_TRUE(got.ends_with("too late"));
}

// ── the end ─────────────────────────────────────────────────────────────────────────────────────

TEST_P(channel_life, cancels_who_reads_when_it_is_closed_or_aborted) {
    for (const bool aborted : {false, true}) {
        loop own;
        auto [ours, raw] = connected(GetParam());
        channel one = test::adopt(own, std::move(ours));
        const auto body = [](loop& home, channel& one, bool aborted) -> task<void> {
            home.post([&one, aborted] { aborted ? one.abort() : one.close(); });
            auto bytes = co_await one.read();
            CO_REQUIRE(bytes.has_error());
            EXPECT_EQ(bytes.error().code, errc::canceled);
            EXPECT_FALSE(one.is_open());
            one.close();
            bytes = co_await one.read();
            CO_REQUIRE(bytes.has_error());
            EXPECT_EQ(bytes.error().code, errc::canceled);
        };
        run_on(own, body(own, one, aborted));
    }
}

TEST_P(channel_life, cancels_who_sends_when_it_is_closed) {
    fill(mine);
    const auto body = [](loop& home, channel& mine) -> task<void> {
        home.post([&mine] { mine.close(); });
        auto sent = co_await mine.send("more");
        CO_REQUIRE(sent.has_error());
        EXPECT_EQ(sent.error().code, errc::canceled);
        EXPECT_EQ(mine.send_now("x").error().code, errc::canceled);
    };
    run(body(home, mine));
}

TEST_P(channel_life, lets_the_peer_read_an_end_while_we_still_read) {
    const auto body = [](channel& mine, int peer) -> task<void> {
        auto sent = co_await mine.send("bye");
        EXPECT_TRUE(sent.has_value());
        mine.shutdown_send();
        EXPECT_EQ(receive_all(peer), "bye");
        send_all(peer, "still here");
        auto bytes = co_await mine.read();
        CO_REQUIRE(bytes.has_value());
        EXPECT_EQ(bytes.value(), "still here");
    };
    run(body(mine, peer.get()));
}

TEST_P(channel_life, closes_with_its_last_owner) {
    {
        const channel gone = std::move(mine);
        EXPECT_FALSE(mine.is_open());
        EXPECT_TRUE(gone.is_open());
        EXPECT_EQ(&gone.home(), &home);
    }
    bool reset = true;
    EXPECT_EQ(receive_all(peer.get(), &reset), "");
    EXPECT_FALSE(reset);
}

TEST_P(channel_life, may_be_destroyed_with_operations_under_way_and_so_may_its_loop_after_it) {
    struct unheard final : departure_watcher {
        void on_departure() noexcept override { ADD_FAILURE() << "told after its time"; }
    } watcher;
    auto own = std::make_unique<loop>();
    auto [ours, raw] = connected(GetParam());
    {
        channel one = test::adopt(*own, std::move(ours));
        one.watch(&watcher);
        one.set_deadline(after(loop::exact_now(), milliseconds(20)));
    }
    own.reset();
    EXPECT_EQ(receive_all(raw.get()), "");
}

TEST(channel, aborts_with_a_reset) {
    loop home;
    auto [ours, raw] = connected(transport::tcp);
    channel mine = test::adopt(home, std::move(ours));
    ASSERT_TRUE(mine.send_now("half of it").has_value());
    mine.abort();
    bool reset = false;
    receive_all(raw.get(), &reset);
    EXPECT_TRUE(reset);
}

TEST(channel, knows_its_peer_and_the_round_trip_over_tcp_alone) {
    loop home;
    auto [ours, raw] = connected(transport::tcp);
    const channel tcp = test::adopt(home, std::move(ours));
    EXPECT_TRUE(tcp.peer_address().starts_with("127.0.0.1:")) << tcp.peer_address();
    EXPECT_GT(tcp.round_trip_time(), duration::zero());
    auto [local, other] = connected(transport::pair);
    const channel pair = test::adopt(home, std::move(local));
    EXPECT_EQ(pair.round_trip_time(), duration::zero());
    EXPECT_EQ(pair.peer_address(), "unix:");
    EXPECT_EQ(channel().peer_address(), "");
    EXPECT_FALSE(pair.is_tls());
}

}  // namespace
}  // namespace penstock::io
