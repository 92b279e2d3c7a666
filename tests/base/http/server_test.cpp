// Connections of the server: one request after the other, and when a connection may go on.
#include "penstock/http/server.hpp"

#include "running_server.hpp"

#include <stdexcept>

namespace penstock::http {
namespace {

using namespace test;
using std::chrono::milliseconds;

constexpr std::string_view crlf2 = "\r\n\r\n";

std::string request(std::string_view target, std::string_view body) {
    return "POST " + std::string(target) +
           " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string(body);
}

bool closes(const response& of) {
    return of.header("connection").value_or("") == "close";
}

TEST(server, answers_one_request_after_the_other_on_a_connection) {
    running_server at(echo);
    test_client client(at.port());
    for (int i = 0; i < 50; ++i) {
        const auto got = client.exchange(request("/" + std::to_string(i), "body"));
        ASSERT_EQ(got.status, 200);
        EXPECT_EQ(got.body, "/" + std::to_string(i) + " body");
        EXPECT_FALSE(got.header("connection"));
    }
    EXPECT_EQ(at.serving.inside(), 1u);
    client.close();
    EXPECT_TRUE(running_server::wait_until([&] { return at.serving.inside() == 0; }));
}

TEST(server, answers_pipelined_requests_in_order_wherever_the_bytes_are_split) {
    std::string all;
    for (int i = 0; i < 3; ++i)
        all += request("/" + std::to_string(i), std::string(5, 'b'));
    all += "GET /last HTTP/1.1\r\nHost: a\r\n\r\n";
    running_server at(echo);
    for (std::size_t split = 1; split < all.size(); ++split) {
        test_client client(at.port());
        client.send(all.substr(0, split));
        // What could be answered has been, so that the rest comes on its own.
        const bool first_is_whole = split > all.size() / 2;
        if (first_is_whole) {
            EXPECT_EQ(client.read_response().body, "/0 bbbbb");
        }
        client.send(all.substr(split));
        for (int i = first_is_whole ? 1 : 0; i < 3; ++i)
            ASSERT_EQ(client.read_response().body, "/" + std::to_string(i) + " bbbbb") << split;
        ASSERT_EQ(client.read_response().body, "/last ") << split;
    }
}

// What a client sends ahead is kept while its first answer is made and watched over.
TEST(server, takes_a_request_that_came_in_parts_while_another_was_answered) {
    struct watcher final : io::departure_watcher {
        void on_departure() noexcept override { ADD_FAILURE() << "nobody left"; }
    };
    std::atomic<bool> may_answer{false};
    running_server at([&](exchange& x) -> io::task<void> {
        const std::string target(x.head().target);
        watcher watching;
        x.watch(&watching);
        while (target == "/slow" && !may_answer) {
            io::alarm pause(x.home());
            std::ignore = co_await pause.wait_until(x.home().now());
        }
        x.watch(nullptr);
        co_await echo(x);
    });
    test_client client(at.port());
    const std::string second = request("/second", std::string(700, 'x'));
    client.send(request("/slow", ""));
    ASSERT_TRUE(running_server::wait_until([&] { return at.num_requests == 1; }));
    client.send_slowly(second.substr(0, 600), 100, milliseconds(2));
    may_answer = true;
    EXPECT_EQ(client.read_response().body, "/slow ");
    client.send(second.substr(600));
    EXPECT_EQ(client.read_response().body, "/second " + std::string(700, 'x'));
    EXPECT_EQ(client.exchange(request("/third", "!")).body, "/third !");
}

TEST(server, closes_when_the_client_or_its_version_says_so) {
    running_server at(echo);
    struct {
        std::string head;
        bool stays;
    } const cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n", true},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n", false},
        {"GET / HTTP/1.0\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n", true},
    };
    for (const auto& each : cases) {
        test_client client(at.port());
        const auto got = client.exchange(each.head + "\r\n");
        EXPECT_EQ(got.body, "/ ") << each.head;
        EXPECT_TRUE(got.whole);
        EXPECT_EQ(closes(got), !each.stays) << each.head;
        if (each.stays)
            EXPECT_EQ(client.exchange("GET /again HTTP/1.1\r\nHost: a\r\n\r\n").body, "/again ");
        else
            EXPECT_TRUE(client.is_closed_within(patience));
    }
}

TEST(server, refuses_a_broken_head_readably_and_closes) {
    running_server at(echo);
    for (const std::string_view head :
         {"GARBAGE\r\n\r\n",
          "GET / HTTP/1.1\r\n\r\n",
          "GET / HTTP/1.1\nHost: a\n\n",
          "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
        test_client client(at.port());
        const auto got = client.exchange(head);
        EXPECT_EQ(got.status, 400) << head;
        EXPECT_EQ(got.body, "malformed_head");
        EXPECT_TRUE(got.whole && closes(got));
        EXPECT_TRUE(client.is_closed_within(patience));
    }
    EXPECT_EQ(at.num_requests, 0);
    test_client endless(at.port());
    endless.send("GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < 40; ++i)
        endless.send("x: " + std::string(1000, 'y') + "\r\n");
    EXPECT_EQ(endless.read_response().body, "head_too_large");
}

// ── time ────────────────────────────────────────────────────────────────────────────────────────

TEST(server, ends_a_head_that_does_not_come_in_time) {
    server_options options;
    options.head_timeout = milliseconds(60);
    running_server at(echo, options);
    test_client client(at.port());
    client.send("GET / HTTP/1.1\r\nHo");
    const auto got = client.read_response();
    EXPECT_EQ(got.status, 408);
    EXPECT_EQ(got.body, "head_timeout");
    EXPECT_TRUE(closes(got));

    // Bytes now and then do not help.
    test_client trickling(at.port());
    const auto began = clock::now();
    trickling.send_slowly("GET / HTTP/1.1\r\nHost: a\r\nX-Long: yes", 1, milliseconds(5));
    EXPECT_EQ(trickling.read_response().status, 408);
    EXPECT_LT(clock::now() - began, patience);
}

TEST(server, closes_a_connection_without_a_word_when_nothing_is_asked) {
    server_options options;
    options.idle_timeout = milliseconds(60);
    running_server at(echo, options);
    test_client mute(at.port()), served(at.port());
    EXPECT_EQ(served.exchange(request("/", "")).status, 200);
    for (test_client* each : {&mute, &served}) {
        const auto nothing = each->read_head();
        EXPECT_EQ(nothing.status, 0);
        EXPECT_FALSE(nothing.reset);
    }
}

// The rest of the body may come yet: it must not be read as a request, nor a request as it.
TEST(server, never_goes_on_after_a_body_that_did_not_come_in_time) {
    server_options options;
    options.body_timeout = milliseconds(60);
    running_server at(echo, options);
    test_client client(at.port());
    client.send(
        "POST /half HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + std::string(500, 'x')
    );
    const auto got = client.read_response();
    EXPECT_EQ(got.status, 408);
    EXPECT_EQ(got.body, "body_timeout");
    EXPECT_TRUE(closes(got));
    client.send(std::string(500, 'x') + request("/next", ""));
    EXPECT_TRUE(client.is_closed_within(patience));
    EXPECT_EQ(at.num_requests, 1);
}

// ── early refusals ──────────────────────────────────────────────────────────────────────────────

io::task<void> refuse_unread(exchange& x) {
    auto told = co_await x.respond(401, "", "who are you?");
    EXPECT_TRUE(told.has_value());
}

TEST(server, keeps_the_connection_after_refusing_a_small_body_unread) {
    running_server at(refuse_unread);
    for (const std::size_t size : {0, 1, 5000, 64 * 1024}) {
        test_client client(at.port());
        const std::string whole = request("/", std::string(size, 'x'));
        const std::size_t head = whole.find(crlf2) + 4;
        for (int i = 0; i < 3; ++i) {
            client.send(whole.substr(0, head));
            const auto got = client.read_response();
            EXPECT_EQ(got.body, "who are you?");
            EXPECT_FALSE(closes(got)) << size;
            client.send(whole.substr(head));
        }
        EXPECT_EQ(client.exchange(whole + request("/b", "")).body, "who are you?");
        EXPECT_EQ(client.read_response().body, "who are you?");
    }
}

TEST(server, closes_after_refusing_a_large_or_chunked_body_but_lets_the_answer_be_read) {
    running_server at(refuse_unread);
    const std::string large = request("/", std::string(200 * 1024, 'x'));
    const std::string chunked =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    for (const auto& whole : {large, chunked}) {
        test_client client(at.port());
        EXPECT_TRUE(client.send(whole));
        const auto got = client.read_response();
        EXPECT_EQ(got.body, "who are you?");
        EXPECT_TRUE(got.whole && closes(got));
        EXPECT_TRUE(client.is_closed_within(patience));
    }
    EXPECT_EQ(at.num_requests, 2);
}

TEST(server, does_not_linger_for_ever) {
    running_server at(refuse_unread);
    test_client client(at.port());
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n");
    EXPECT_EQ(client.read_response().status, 401);
    // Still connected and silent.
    EXPECT_TRUE(running_server::wait_until([&] { return at.serving.inside() == 0; }));
}

TEST(server, asks_for_the_body_only_when_it_is_wanted_and_has_not_come) {
    running_server reads(echo), refuses(refuse_unread);
    const std::string head =
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
    {
        test_client client(reads.port());
        client.send(head);
        EXPECT_EQ(client.read_head().status, 100);
        EXPECT_EQ(client.exchange("ok" + request("/next", "")).body, "/ ok");
        EXPECT_EQ(client.read_response().body, "/next ");
    }
    {
        test_client client(reads.port());
        client.send(head + "ok");
        EXPECT_EQ(client.read_head().status, 200);
    }
    {
        test_client client(refuses.port());
        client.send(head);
        const auto got = client.read_head();
        EXPECT_EQ(got.status, 401);
        EXPECT_TRUE(closes(got)) << "who knows whether the body will come";
    }
}

// ── the end ─────────────────────────────────────────────────────────────────────────────────────

TEST(server, resets_a_connection_whose_answer_was_not_finished) {
    running_server nothing([](exchange&) -> io::task<void> { co_return; });
    running_server half([](exchange& x) -> io::task<void> {
        x.start(200, {}, "", 100);
        const std::string_view piece = "half";
        EXPECT_TRUE(x.write_now({&piece, 1}).has_value());
        co_return;
    });
    running_server throws([](exchange&) -> io::task<void> {
        throw std::runtime_error("escaped");
        co_return;
    });
    EXPECT_TRUE(test_client(nothing.port()).exchange(request("/", "")).reset);
    const auto got = test_client(half.port()).exchange(request("/", ""));
    EXPECT_FALSE(got.whole);
    EXPECT_TRUE(got.reset);
    EXPECT_EQ(test_client(throws.port()).exchange(request("/", "")).status, 0);
    EXPECT_EQ(test_client(throws.port()).exchange(request("/", "")).status, 0) << "it still serves";
    EXPECT_TRUE(running_server::wait_until([&] { return throws.num_escaped == 2; }));
    EXPECT_EQ(nothing.num_escaped + half.num_escaped, 0) << "nothing was thrown there";
}

TEST(server, closes_idle_connections_at_once_and_busy_ones_after_their_answer) {
    std::atomic<bool> may_answer{false};
    running_server at([&](exchange& x) -> io::task<void> {
        while (!may_answer) {
            io::alarm pause(x.home());
            std::ignore = co_await pause.wait_until(x.home().now());
        }
        co_await echo(x);
    });
    test_client idle(at.port()), busy(at.port());
    busy.send(request("/busy", ""));
    ASSERT_TRUE(running_server::wait_until([&] {
        return at.num_requests == 1 && at.serving.inside() == 2;
    }));
    at.serving.close();
    at.on_loop([&] { at.server().close_idle(); });
    EXPECT_TRUE(idle.is_closed_within(patience));
    may_answer = true;
    const auto got = busy.read_response();
    EXPECT_EQ(got.body, "/busy ");
    EXPECT_TRUE(closes(got));
    EXPECT_TRUE(busy.is_closed_within(patience));
    busy.close();
    EXPECT_TRUE(running_server::wait_until([&] { return at.serving.inside() == 0; }));
}

TEST(server, closes_a_connection_that_was_promised_more_when_the_gate_closes_meanwhile) {
    std::atomic<bool> may_end{false};
    running_server at([&](exchange& x) -> io::task<void> {
        x.start(200, {}, "", std::nullopt);
        const std::string_view piece = "piece";
        EXPECT_TRUE(x.write_now({&piece, 1}).has_value());
        while (!may_end) {
            io::alarm pause(x.home());
            std::ignore = co_await pause.wait_until(x.home().now());
        }
        EXPECT_TRUE(x.write_now({}, true).has_value());
    });
    test_client client(at.port());
    client.send(request("/", ""));
    EXPECT_FALSE(closes(client.read_head()));
    at.serving.close();
    may_end = true;
    EXPECT_EQ(client.read_rest(), "piece");
    EXPECT_TRUE(client.is_closed_within(patience));
}

TEST(server, tells_whoever_watches_when_all_connections_are_aborted) {
    struct watcher final : io::departure_watcher {
        explicit watcher(io::loop& home) : rings(home) {}
        void on_departure() noexcept override { rings.ring(); }
        io::alarm rings;
    };
    running_server at([](exchange& x) -> io::task<void> {
        watcher left(x.home());
        x.watch(&left);
        std::ignore = co_await left.rings.wait_until(never);
    });
    test_client quiet(at.port()), pipelining(at.port());
    quiet.send(request("/", ""));
    pipelining.send(request("/", "") + std::string(5000, 'x'));
    ASSERT_TRUE(running_server::wait_until([&] { return at.num_requests == 2; }));
    at.on_loop([&] { at.server().abort_all(); });
    EXPECT_TRUE(running_server::wait_until([&] { return at.serving.inside() == 0; }));
}

}  // namespace
}  // namespace penstock::http
