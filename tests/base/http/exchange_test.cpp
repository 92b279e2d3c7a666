// One exchange: the body under its limits, the answer in its framing, and a client that is slow.
#include "penstock/http/server.hpp"
#include "running_server.hpp"

#include <vector>

namespace penstock::http {
namespace {

using namespace test;
using std::chrono::milliseconds;

std::string head_of(std::string_view framing) {
    return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(framing) + "\r\n\r\n";
}
std::string sized(std::size_t size) {
    return head_of("Content-Length: " + std::to_string(size));
}
const std::string chunked_head = head_of("Transfer-Encoding: chunked");

// ── the body ────────────────────────────────────────────────────────────────────────────────────

TEST(exchange, reads_bodies_of_every_framing_wherever_they_are_split) {
    running_server at(echo);
    for (const auto& whole :
         {sized(5) + "hello", chunked_head + "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nT: v\r\n\r\n"}) {
        for (std::size_t split = 1; split < whole.size(); ++split) {
            test_client client(at.port());
            client.send(whole.substr(0, split));
            if (split % 5 == 0) {
                EXPECT_TRUE(client.is_quiet_for(milliseconds(1)));
            }
            client.send(whole.substr(split));
            ASSERT_EQ(client.read_response().body, "/ hello") << split;
        }
    }
    EXPECT_EQ(test_client(at.port()).exchange(sized(0)).body, "/ ");
    EXPECT_EQ(test_client(at.port()).exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").body, "/ ");
}

TEST(exchange, refuses_a_body_beyond_the_limit_before_or_while_it_comes) {
    server_options options;
    options.body_bytes = 1000;
    running_server at(echo, options);
    EXPECT_EQ(test_client(at.port()).exchange(sized(1000) + std::string(1000, 'x')).status, 200);
    test_client announced(at.port());
    EXPECT_EQ(announced.exchange(sized(1001)).body, "body_too_large");
    test_client growing(at.port());
    growing.send(chunked_head);
    for (int i = 0; i < 3; ++i)
        growing.send("190\r\n" + std::string(400, 'x') + "\r\n");
    const auto got = growing.read_response();
    EXPECT_EQ(got.status, 413);
    EXPECT_EQ(got.header("connection"), "close");
    EXPECT_TRUE(running_server::wait_until([&] { return at.bodies.held() == 0; }));
    EXPECT_TRUE(at.serving.inside() > 0) << "given back while the connection still lingers";
}

TEST(exchange, refuses_broken_chunks_and_closes) {
    running_server at(echo);
    for (const std::string_view broken :
         {"x\r\n", "1\r\nab\r\n", "-1\r\n", "ffffffffffffffffff\r\n"}) {
        test_client client(at.port());
        const auto got = client.exchange(chunked_head + std::string(broken));
        EXPECT_EQ(got.status, 400) << broken;
        EXPECT_EQ(got.body, "malformed_body");
        EXPECT_EQ(got.header("connection"), "close");
    }
}

TEST(exchange, holds_no_more_bodies_than_the_budget_and_gives_all_of_it_back) {
    std::atomic<bool> may_go_on{false};
    running_server at([&](exchange& x) -> io::task<void> {
        const bool keeps = x.head().target == "/keep";
        auto read = co_await x.read_body();
        if (read.has_error()) {
            auto told = co_await x.respond(503, "", describe(read.error().code).label);
            co_return (void) told;
        }
        while (keeps && !may_go_on) {
            io::alarm pause(x.home());
            std::ignore = co_await pause.wait_until(x.home().now());
        }
        if (!keeps) x.release_request();
        EXPECT_TRUE(keeps || x.body().empty());
        auto sent = co_await x.respond(200, "", "");
        EXPECT_TRUE(sent.has_value());
    });
    at.bodies.set_limit(1000);
    const std::string keep = "POST /keep HTTP/1.1\r\nHost: a\r\n";
    test_client first(at.port());
    first.send(keep + "Content-Length: 600\r\n\r\n" + std::string(600, 'x'));
    ASSERT_TRUE(running_server::wait_until([&] { return at.bodies.held() == 600; }));
    const std::string too_much = sized(500) + std::string(500, 'x');
    EXPECT_EQ(test_client(at.port()).exchange(too_much).body, "out_of_body_memory");
    const std::string chunks = "190\r\n" + std::string(400, 'x') + "\r\n";
    EXPECT_EQ(
        test_client(at.port()).exchange(chunked_head + chunks + chunks).body, "out_of_body_memory"
    );
    EXPECT_EQ(test_client(at.port()).exchange(sized(400) + std::string(400, 'x')).status, 200);
    EXPECT_EQ(at.bodies.held(), 600u);
    may_go_on = true;
    EXPECT_EQ(first.read_response().status, 200);
    EXPECT_TRUE(running_server::wait_until([&] { return at.bodies.held() == 0; }));
}

TEST(exchange, gives_a_body_back_when_its_client_leaves_in_the_middle) {
    std::atomic<int> gone{0};
    running_server at([&](exchange& x) -> io::task<void> {
        auto read = co_await x.read_body();
        if (read.has_error() && read.error().code == errc::client_gone) ++gone;
    });
    for (int i = 0; i < 2; ++i) {
        test_client client(at.port());
        client.send(sized(1'000'000) + std::string(1000, 'x'));
        ASSERT_TRUE(running_server::wait_until([&] { return at.bodies.held() > 0; }));
        i == 0 ? client.close() : client.reset();
        EXPECT_TRUE(running_server::wait_until([&] { return gone == i + 1; }));
        EXPECT_TRUE(running_server::wait_until([&] { return at.bodies.held() == 0; }));
    }
}

// ── the answer's framing ────────────────────────────────────────────────────────────────────────

const std::string get_11 = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string get_10 = "GET / HTTP/1.0\r\n\r\n";

// Writes `texts` in one call, then each alone, then the end by itself.
running_server::answerer writes(
    std::vector<std::string> texts, std::optional<std::uint64_t> length
) {
    return [texts, length](exchange& x) -> io::task<void> {
        const std::vector<std::string_view> pieces(texts.begin(), texts.end());
        x.start(200, "Fine", "X-One: 1\r\n", length);
        EXPECT_TRUE(x.has_started());
        auto all = x.write_now(pieces);
        EXPECT_TRUE(all.has_value());
        for (const std::string_view each : pieces) {
            auto sent = x.write_now({&each, 1});
            EXPECT_TRUE(sent.has_value());
        }
        EXPECT_FALSE(x.has_finished());
        all = x.write_now({}, true);
        EXPECT_TRUE(all.has_value() && x.has_finished());
        auto drained = co_await x.drain();
        EXPECT_TRUE(drained.has_value());
    };
}

TEST(exchange, frames_an_answer_as_its_length_and_the_client_ask_for) {
    running_server with_length(writes({"abc", "", "de"}, 10)),
        without(writes({"abc", "", "de"}, {}));
    for (running_server* at : {&with_length, &without}) {
        test_client client(at->port());
        for (int i = 0; i < 3; ++i) {
            const auto got = client.exchange(get_11);
            EXPECT_EQ(got.body, "abcdeabcde");
            EXPECT_TRUE(got.whole);
            EXPECT_EQ(first_line(got.head), "HTTP/1.1 200 Fine");
            EXPECT_EQ(got.header("x-one"), "1");
            EXPECT_EQ(got.header("content-length").has_value(), at == &with_length);
            EXPECT_EQ(got.header("transfer-encoding").has_value(), at == &without);
        }
    }
    test_client old(without.port());
    const auto got = old.exchange(get_10);
    EXPECT_EQ(got.body, "abcdeabcde");
    EXPECT_FALSE(got.header("transfer-encoding"));
    EXPECT_EQ(got.header("connection"), "close");
    EXPECT_FALSE(got.reset);
}

TEST(exchange, writes_any_number_of_pieces_at_once) {
    for (const std::size_t count : {61u, 62u, 63u, 64u, 65u, 1000u}) {
        std::string all;
        std::vector<std::string> texts;
        for (std::size_t i = 0; i < count; ++i) {
            texts.push_back(std::to_string(i) + ",");
            all += texts.back();
        }
        running_server at(writes(texts, {}));
        const auto got = test_client(at.port()).exchange(get_11);
        EXPECT_TRUE(got.body == all + all) << count;
        EXPECT_TRUE(got.whole);
    }
}

TEST(exchange, ends_an_answer_with_its_last_piece_or_with_none) {
    for (const std::optional<std::uint64_t> length : {std::optional<std::uint64_t>(), {4}}) {
        running_server at([length](exchange& x) -> io::task<void> {
            x.start(200, {}, "", length);
            const std::string_view piece = "last";
            auto sent = x.write_now({&piece, 1}, true);
            EXPECT_TRUE(sent.has_value() && x.has_finished());
            co_return;
        });
        test_client client(at.port());
        EXPECT_EQ(client.exchange(get_11).body, "last");
        EXPECT_EQ(client.exchange(get_11).body, "last");
    }
    running_server empty([](exchange& x) -> io::task<void> {
        x.start(200, {}, "", std::nullopt);
        EXPECT_TRUE(x.write_now({}, true).has_value());
        co_return;
    });
    const auto got = test_client(empty.port()).exchange(get_11);
    EXPECT_EQ(got.status, 200);
    EXPECT_TRUE(got.whole && got.body.empty());
}

TEST(exchange, sends_no_body_to_a_HEAD_and_no_length_with_a_204) {
    running_server at([](exchange& x) -> io::task<void> {
        const bool nothing = x.head().target == "/204";
        auto sent = co_await x.respond(nothing ? 204 : 200, "", nothing ? "" : "hello");
        EXPECT_TRUE(sent.has_value());
    });
    test_client client(at.port());
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto head = client.read_response(true);
    EXPECT_EQ(head.header("content-length"), "5");
    EXPECT_EQ(head.body, "");
    client.send("GET /204 HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto none = client.read_response(true);
    EXPECT_EQ(none.status, 204);
    EXPECT_FALSE(none.header("content-length"));
    EXPECT_EQ(client.exchange(get_11).body, "hello");
}

// ── slow clients ────────────────────────────────────────────────────────────────────────────────

struct written {
    std::atomic<std::uint64_t> bytes{0};
    std::atomic<bool> ended{false}, failed{false};
    std::atomic<errc> why{errc::count_};
};

// `count` blocks of 64 KiB, waiting whenever the kernel has enough; with `whole` all in one write.
running_server::answerer offers(written& out, std::size_t count, bool whole) {
    return [&out, count, whole](exchange& x) -> io::task<void> {
        const std::string block(64 * 1024 * (whole ? count : 1), 'b');
        const std::string_view piece = block;
        const std::size_t times = whole ? 1 : count;
        x.start(200, {}, "", 64 * 1024 * count);
        for (std::size_t i = 1; i <= times && !out.failed; ++i) {
            auto sent = x.write_now({&piece, 1}, i == times);
            EXPECT_TRUE(sent.has_value());
            if (sent.has_value() && !sent.value()) {
                auto drained = co_await x.drain();
                out.failed = drained.has_error();
                if (drained.has_error()) {
                    out.why = drained.error().code;
                    EXPECT_TRUE(x.write_now({&piece, 1}, true).has_error())
                        << "nothing follows a gap";
                }
            }
            out.bytes = x.bytes_out();
        }
        out.ended = true;
    };
}

TEST(exchange, waits_for_a_client_that_reads_late) {
    written out;
    running_server at(offers(out, 200, false));
    test_client client(at.port(), 4096);
    client.send(get_11);
    EXPECT_EQ(client.read_head().status, 200);
    std::uint64_t before = 0;
    // Back pressure: without a reader it stops, far below what is offered.
    const auto stands_still = [&] {
        const auto now = out.bytes.load();
        return now > 0 && std::exchange(before, now) == now &&
               client.is_quiet_for(milliseconds(0)) == false;
    };
    EXPECT_TRUE(running_server::wait_until(stands_still));
    EXPECT_FALSE(out.ended);
    EXPECT_EQ(client.read_rest().size(), 200u * 64 * 1024);
    EXPECT_TRUE(running_server::wait_until([&] { return out.ended.load(); }));
    EXPECT_GT(out.bytes, 200u * 64 * 1024);
    EXPECT_EQ(client.exchange(get_11).status, 200) << "the connection goes on";
}

TEST(exchange, resets_a_client_that_takes_nothing_and_never_writes_to_it_again) {
    for (const bool whole : {false, true}) {
        written out;
        server_options options;
        options.stall_timeout = milliseconds(80);
        running_server at(offers(out, 200, whole), options);
        test_client client(at.port(), 4096);
        client.send(get_11);
        EXPECT_TRUE(running_server::wait_until([&] { return out.ended.load(); }));
        EXPECT_EQ(out.why, errc::timed_out);
        EXPECT_TRUE(running_server::wait_until([&] { return at.serving.inside() == 0; }));
        const auto got = client.read_response();
        EXPECT_FALSE(got.whole);
        EXPECT_TRUE(got.reset);
    }
}

TEST(exchange, has_patience_with_a_client_that_takes_a_little_all_the_time) {
    written out;
    server_options options;
    options.stall_timeout = milliseconds(1000);
    running_server at(offers(out, 160, true), options);
    test_client client(at.port());
    client.send(get_11);
    EXPECT_EQ(client.read_head().status, 200);
    const std::size_t slowly = client.read_slowly(4'000'000, milliseconds(1600));
    EXPECT_EQ(slowly + client.read_rest().size(), 160u * 64 * 1024);
    EXPECT_FALSE(out.failed);
}

}  // namespace
}  // namespace penstock::http
