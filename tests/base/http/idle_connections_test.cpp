// Connections that wait for their next request, and never one that the peer has left.
#include "penstock/http/client.hpp"
#include "support/on_loop.hpp"

#include <sys/socket.h>
#include <thread>
#include <vector>

namespace penstock::http {
namespace {

using namespace test;
using std::chrono::milliseconds;

constexpr duration long_time = std::chrono::hours(1);

// Channels, and the peers' ends of them.
class idle : public testing::Test {
 public:
    io::channel connect() {
        const descriptor listener = listen_tcp(0);
        peers.push_back(connect_tcp(port_of(listener.get())));
        return io::channel::adopt(home, ::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK));
    }
    bool peer_sees_end(std::size_t which) {
        char byte;
        const int fd = peers[which].get();
        return wait(fd, false, -1, patience).readable && ::recv(fd, &byte, 1, 0) <= 0;
    }
    bool peer_is_connected(std::size_t which) {
        char byte;
        return ::recv(peers[which].get(), &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
    }

    io::loop home;
    std::vector<descriptor> peers;
};

TEST_F(idle, gives_the_newest_first_and_a_closed_one_when_there_is_none) {
    idle_connections kept(home, 4, long_time);
    EXPECT_FALSE(kept.take());
    for (int i = 0; i < 3; ++i)
        kept.put(connect());
    EXPECT_EQ(kept.size(), 3u);
    for (const std::size_t expected : {2u, 1u, 0u}) {
        io::channel one = kept.take();
        ASSERT_TRUE(one);
        EXPECT_TRUE(one.send_now(std::to_string(expected)).has_value());
        char byte = 0;
        ASSERT_EQ(::recv(peers[expected].get(), &byte, 1, 0), 1);
        EXPECT_EQ(byte, static_cast<char>('0' + expected));
        EXPECT_EQ(kept.size(), expected);
    }
    EXPECT_FALSE(kept.take());
}

TEST_F(idle, closes_the_oldest_when_there_are_too_many) {
    idle_connections kept(home, 2, long_time);
    for (int i = 0; i < 4; ++i)
        kept.put(connect());
    EXPECT_EQ(kept.size(), 2u);
    EXPECT_TRUE(peer_sees_end(0));
    EXPECT_TRUE(peer_sees_end(1));
    EXPECT_TRUE(peer_is_connected(2));
    EXPECT_TRUE(peer_is_connected(3));
}

TEST_F(idle, keeps_none_when_none_may_be_kept) {
    idle_connections kept(home, 0, long_time);
    kept.put(connect());
    EXPECT_EQ(kept.size(), 0u);
    EXPECT_TRUE(peer_sees_end(0));
}

TEST_F(idle, takes_new_settings_from_any_thread) {
    idle_connections kept(home, 8, long_time);
    for (int i = 0; i < 4; ++i)
        kept.put(connect());
    std::thread([&] { kept.configure(2, long_time); }).join();
    kept.put(connect());
    EXPECT_EQ(kept.size(), 2u);
    kept.configure(0, long_time);
    kept.put(connect());
    EXPECT_TRUE(peer_sees_end(5));
}

TEST_F(idle, closes_all_when_cleared_or_destroyed) {
    {
        idle_connections kept(home, 8, long_time);
        kept.put(connect());
        kept.put(connect());
        kept.clear();
        EXPECT_EQ(kept.size(), 0u);
        EXPECT_TRUE(peer_sees_end(0) && peer_sees_end(1));
        kept.put(connect());
    }
    EXPECT_TRUE(peer_sees_end(2));
}

TEST_F(idle, closes_what_waited_too_long) {
    idle_connections kept(home, 8, milliseconds(50));
    const auto body = [](idle& t, idle_connections& kept) -> io::task<void> {
        const auto began = clock::now();
        kept.put(t.connect());
        kept.put(t.connect());
        const bool gone = co_await until(t.home, [&] { return kept.size() == 0; });
        EXPECT_TRUE(gone);
        EXPECT_GE(clock::now() - began, milliseconds(40));
        EXPECT_FALSE(kept.take());
    };
    run_on(home, body(*this, kept));
    EXPECT_TRUE(peer_sees_end(0) && peer_sees_end(1));
}

TEST_F(idle, never_gives_one_that_the_peer_closed_reset_or_spoke_on) {
    idle_connections kept(home, 8, long_time);
    const auto body = [](idle& t, idle_connections& kept) -> io::task<void> {
        for (int i = 0; i < 4; ++i)
            kept.put(t.connect());
        t.peers[0].close();
        t.peers[1].reset();
        const bool gone = co_await until(t.home, [&] { return kept.size() == 2; });
        EXPECT_TRUE(gone) << "they are forgotten, too";
        ::send(t.peers[3].get(), "!", 1, 0);
        for (int i = 0; i < 20; ++i)
            co_await turn{t.home};
        io::channel one = kept.take();
        CO_REQUIRE(one);
        EXPECT_TRUE(one.send_now("x").has_value());
        char byte = 0;
        EXPECT_EQ(::recv(t.peers[2].get(), &byte, 1, 0), 1);
        EXPECT_FALSE(kept.take());
    };
    run_on(home, body(*this, kept));
}

TEST_F(idle, keeps_none_that_is_stale_when_it_comes) {
    idle_connections kept(home, 8, long_time);
    io::channel closed = connect();
    closed.close();
    kept.put(std::move(closed));
    io::channel unread = connect();
    unread.unread("left over");
    kept.put(std::move(unread));
    EXPECT_EQ(kept.size(), 0u);
}

TEST_F(idle, gives_a_connection_without_the_deadline_it_came_with) {
    idle_connections kept(home, 8, long_time);
    const auto body = [](idle& t, idle_connections& kept) -> io::task<void> {
        io::channel one = t.connect();
        one.set_deadline(io::loop::exact_now() + milliseconds(10));
        kept.put(std::move(one));
        io::alarm pause(t.home);
        std::ignore = co_await pause.wait_until(io::loop::exact_now() + milliseconds(50));
        io::channel taken = kept.take();
        CO_REQUIRE(taken);
        t.home.post([&t] { ::send(t.peers[0].get(), "answer", 6, 0); });
        auto bytes = co_await taken.read();
        CO_REQUIRE(bytes.has_value());
        EXPECT_EQ(bytes.value(), "answer");
    };
    run_on(home, body(*this, kept));
}

}  // namespace
}  // namespace penstock::http
