// Listening: ports and paths, siblings, and an end that loses nobody.
#include "support/on_loop.hpp"
#include "transports.hpp"

#include <fstream>
#include <sys/stat.h>
#include <thread>

namespace penstock::io {
namespace {

using namespace test;

endpoint any_port() {
    return parse_endpoint("127.0.0.1:0").value();
}
endpoint at_path(const std::string& path) {
    return parse_endpoint("unix:" + path).value();
}

std::uint16_t port_in(const endpoint& where) {
    return static_cast<std::uint16_t>(std::stoi(where.text.substr(where.text.rfind(':') + 1)));
}

// Greets each connection and keeps it.
struct greeter {
    std::vector<channel> taken;
    void operator()(channel one) {
        EXPECT_TRUE(one.send_now("hi").has_value());
        taken.push_back(std::move(one));
    }
};

std::string read_two(int fd) {
    char bytes[2] = {};
    const auto size = ::recv(fd, bytes, 2, MSG_WAITALL);
    return {bytes, static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

TEST(listener, chooses_a_port_and_tells_which) {
    loop home;
    auto opened = listener::open(any_port(), 16);
    ASSERT_TRUE(opened.has_value());
    listener mine = std::move(opened).value();
    const std::uint16_t port = port_in(mine.bound());
    EXPECT_GT(port, 0);
    greeter greet;
    mine.accept_on(home, std::ref(greet));
    const auto body = [](loop& home, greeter& greet, std::uint16_t port) -> task<void> {
        for (std::size_t i = 1; i <= 20; ++i) {
            const descriptor client = connect_tcp(port);
            const bool came = co_await until(home, [&] { return greet.taken.size() == i; });
            CO_REQUIRE(came);
            EXPECT_EQ(read_two(client.get()), "hi");
        }
        const descriptor one = connect_tcp(port), two = connect_tcp(port),
                         three = connect_tcp(port);
        const bool all = co_await until(home, [&] { return greet.taken.size() == 23; });
        EXPECT_TRUE(all);
    };
    run_on(home, body(home, greet, port));
}

TEST(listener, shares_its_address_with_siblings_on_other_loops) {
    const temporary_folder folder;
    for (const endpoint& where : {any_port(), at_path(folder / "s")}) {
        loop one, two;
        auto opened = listener::open(where, 64);
        ASSERT_TRUE(opened.has_value());
        listener first = std::move(opened).value();
        auto again = first.sibling();
        ASSERT_TRUE(again.has_value());
        listener second = std::move(again).value();
        EXPECT_EQ(first.bound().text, second.bound().text);

        std::atomic<int> served{0};
        constexpr int clients = 32;
        const auto serve = [&served](channel client) {
            EXPECT_EQ(&client.home(), loop::current());
            EXPECT_TRUE(client.send_now("hi").has_value());
            ++served;
        };
        first.accept_on(one, serve);
        second.accept_on(two, serve);
        std::thread runs_one([&] { one.run(); }), runs_two([&] { two.run(); });
        for (int i = 0; i < clients; ++i) {
            const descriptor client = where.text.starts_with("unix:")
                                          ? connect_unix(where.text.substr(5))
                                          : connect_tcp(port_in(first.bound()));
            EXPECT_EQ(read_two(client.get()), "hi");
        }
        one.stop();
        two.stop();
        runs_one.join();
        runs_two.join();
        EXPECT_EQ(served, clients);
    }
}

TEST(listener, takes_those_who_wait_before_it_closes) {
    const temporary_folder folder;
    for (const endpoint& where : {any_port(), at_path(folder / "s")}) {
        loop home;
        auto opened = listener::open(where, 64);
        ASSERT_TRUE(opened.has_value());
        listener mine = std::move(opened).value();
        const endpoint bound = mine.bound();
        greeter greet;
        mine.accept_on(home, std::ref(greet));
        std::vector<descriptor> clients;
        const auto connect_one = [&] {
            return where.text.starts_with("unix:") ? connect_unix(where.text.substr(5))
                                                   : connect_tcp(port_in(bound));
        };
        for (int i = 0; i < 10; ++i)
            clients.push_back(connect_one());
        mine.close();
        EXPECT_EQ(greet.taken.size(), clients.size());
        for (const auto& client : clients)
            EXPECT_EQ(read_two(client.get()), "hi");
        EXPECT_THROW(connect_one(), std::system_error);
        mine.close();
    }
}

// The number of a closed descriptor belongs to somebody else soon.
TEST(listener, closes_its_descriptor_once) {
    loop home;
    std::vector<descriptor> others;
    {
        auto opened = listener::open(any_port(), 16);
        ASSERT_TRUE(opened.has_value());
        listener mine = std::move(opened).value();
        mine.accept_on(home, [](channel) {});
        mine.close();
        home.post([&home] { home.stop(); });
        home.run();
        for (int i = 0; i < 4; ++i)
            others.emplace_back(::socket(AF_UNIX, SOCK_STREAM, 0));
    }
    for (const auto& each : others) {
        struct stat it{};
        EXPECT_EQ(::fstat(each.get(), &it), 0);
    }
}

TEST(listener, may_be_closed_from_what_it_calls) {
    loop home;
    auto opened = listener::open(any_port(), 16);
    ASSERT_TRUE(opened.has_value());
    listener mine = std::move(opened).value();
    const std::uint16_t port = port_in(mine.bound());
    int accepted = 0;
    mine.accept_on(home, [&](channel) {
        if (++accepted == 1) mine.close();
    });
    const descriptor one = connect_tcp(port), two = connect_tcp(port);
    const auto body = [](loop& home, int& accepted) -> task<void> {
        const bool both = co_await until(home, [&] { return accepted == 2; });
        EXPECT_TRUE(both);
        for (int i = 0; i < 10; ++i)
            co_await turn{home};
    };
    run_on(home, body(home, accepted));
    EXPECT_EQ(accepted, 2);
}

TEST(listener, refuses_an_address_that_another_has) {
    auto first = listener::open(any_port(), 16);
    ASSERT_TRUE(first.has_value());
    const auto second = listener::open(first.value().bound(), 16);
    ASSERT_TRUE(second.has_error());
    EXPECT_EQ(second.error().code, errc::io_failed);
    EXPECT_NE(second.error().detail.find(first.value().bound().text), std::string::npos);
}

TEST(listener, replaces_a_unix_socket_that_nobody_listens_on) {
    const temporary_folder folder;
    {
        const descriptor left_behind = listen_unix(folder / "s");
    }
    ASSERT_TRUE(std::filesystem::exists(folder / "s"));
    loop home;
    auto opened = listener::open(at_path(folder / "s"), 16);
    ASSERT_TRUE(opened.has_value()) << opened.error().detail;
    EXPECT_EQ(opened.value().bound().text, "unix:" + (folder / "s"));
    const descriptor client = connect_unix(folder / "s");
    EXPECT_TRUE(client.is_open());
}

TEST(listener, leaves_a_living_unix_socket_and_a_plain_file_alone) {
    const temporary_folder folder;
    const descriptor living = listen_unix(folder / "s");
    const auto beside = listener::open(at_path(folder / "s"), 16);
    ASSERT_TRUE(beside.has_error());
    EXPECT_EQ(beside.error().detail, "unix:" + (folder / "s") + ": in use: somebody listens there");
    const descriptor client = connect_unix(folder / "s");
    EXPECT_TRUE(client.is_open());

    std::ofstream(folder / "file") << "precious";
    const auto over = listener::open(at_path(folder / "file"), 16);
    ASSERT_TRUE(over.has_error());
    EXPECT_EQ(
        over.error().detail, "unix:" + (folder / "file") + ": there is a file that is no socket"
    );
    EXPECT_TRUE(std::filesystem::exists(folder / "file"));
}

// A full queue makes connecting to a living socket wait; opening beside it does not.
TEST(listener, does_not_wait_for_a_living_unix_socket_with_a_full_queue) {
    const temporary_folder folder;
    const descriptor living = listen_unix(folder / "s");
    ::listen(living.get(), 0);
    std::vector<descriptor> waiting;
    const endpoint where = at_path(folder / "s");
    for (int i = 0; i < 3; ++i) {
        waiting.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
        ::connect(
            waiting.back().get(),
            reinterpret_cast<const sockaddr*>(where.address.data()),
            static_cast<socklen_t>(where.address.size())
        );
    }
    EXPECT_TRUE(listener::open(where, 16).has_error());
    EXPECT_TRUE(std::filesystem::exists(folder / "s"));
}

TEST(listener, takes_its_unix_socket_along_when_it_closes_whether_it_ever_accepted_or_not) {
    const temporary_folder folder;
    loop home;
    for (const bool accepts : {false, true}) {
        auto opened = listener::open(at_path(folder / "s"), 16);
        ASSERT_TRUE(opened.has_value());
        listener mine = std::move(opened).value();
        if (accepts) mine.accept_on(home, [](channel) {});
        EXPECT_TRUE(std::filesystem::exists(folder / "s"));
        mine.close();
        EXPECT_FALSE(std::filesystem::exists(folder / "s")) << accepts;
    }
    std::ignore = listener::open(at_path(folder / "s"), 16);
    EXPECT_FALSE(std::filesystem::exists(folder / "s")) << "nor does one that is dropped leave it";
}

TEST(listener, leaves_alone_what_somebody_put_in_place_of_its_unix_socket) {
    const temporary_folder folder;
    auto opened = listener::open(at_path(folder / "s"), 16);
    ASSERT_TRUE(opened.has_value());
    listener mine = std::move(opened).value();
    std::filesystem::rename(folder / "s", folder / "old");
    const descriptor another = listen_unix(folder / "s");
    mine.close();
    EXPECT_TRUE(connect_unix(folder / "s").is_open());
}

// Between the first and the last to close nobody new comes, and nobody is lost.
TEST(listener, takes_the_unix_socket_along_with_the_first_of_its_siblings) {
    const temporary_folder folder;
    loop home;
    auto opened = listener::open(at_path(folder / "s"), 16);
    ASSERT_TRUE(opened.has_value());
    listener first = std::move(opened).value();
    auto again = first.sibling();
    ASSERT_TRUE(again.has_value());
    listener second = std::move(again).value();
    greeter greet;
    second.accept_on(home, std::ref(greet));
    const descriptor client = connect_unix(folder / "s");
    first.close();
    EXPECT_FALSE(std::filesystem::exists(folder / "s"));
    const descriptor next = listen_unix(folder / "s");
    second.close();
    EXPECT_EQ(read_two(client.get()), "hi");
    EXPECT_TRUE(connect_unix(folder / "s").is_open()) << "the next one's stays";
}

}  // namespace
}  // namespace penstock::io
