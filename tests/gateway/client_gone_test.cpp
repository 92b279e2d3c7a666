// Clients that leave: the upstream is told at once, the slot is free again, the account is closed.
#include "gateway/running_gateway.hpp"

#include <gmock/gmock.h>

#include <cstdio>
#include <fstream>

namespace penstock::gateway {
namespace {

using test::answer;

// Sanitizers and a busy machine are slower than what is promised of the gateway.
constexpr auto at_once = is_sanitized ? 500ms : 100ms;

enum class leaving { fin, rst, half };

void leave(test_client& client, leaving how) {
    if (how == leaving::fin) client.close();
    if (how == leaving::rst) client.reset();
    if (how == leaving::half) client.shut_write();
}

class client_gone : public testing::TestWithParam<leaving> {};

TEST_P(client_gone, while_the_upstream_thinks_is_seen_upstream_at_once) {
    for (const auto how : {std::string_view(""), streamed}) {
        scripted_upstream upstream([](const auto&) { return test::silence(); });
        running_gateway g(chat_model(upstream));
        test_client client(g.port());
        client.send(chat_request(how));
        ASSERT_TRUE(upstream.wait_until([](const auto& all) {
            return all.size() == 1 && all[0].body_read;
        }));
        leave(client, GetParam());
        const auto left = test::clock::now();
        ASSERT_TRUE(upstream.wait_for_closed_clients(1));
        EXPECT_LT(*upstream.requests()[0].client_closed - left, at_once);
        EXPECT_TRUE(g.comes_to_rest());
        const auto line = g.log(0);
        EXPECT_EQ(line["verdict"], "client_gone");
        EXPECT_EQ(line["status"], "499");
        EXPECT_EQ(line["estimated"], "true");
        EXPECT_EQ(line["prompt"], line["est_prompt"]) << "it was dispatched: it is charged";
    }
}

TEST_P(client_gone, in_a_stream_is_seen_upstream_at_once_and_charged) {
    auto what = test::chat_stream({"a", "b", "c"});
    what.then = test::afterwards::hang;
    what.pieces.resize(3);  // role, a, b
    scripted_upstream upstream([&](const auto&) { return what; });
    running_gateway g(chat_model(upstream));
    test_client client(g.port());
    client.send(chat_request(streamed));
    ASSERT_EQ(client.read_head().status, 200);
    for (int i = 0; i < 3; ++i)
        ASSERT_TRUE(client.read_event());
    leave(client, GetParam());
    const auto left = test::clock::now();
    ASSERT_TRUE(upstream.wait_for_closed_clients(1));
    EXPECT_LT(*upstream.requests()[0].client_closed - left, at_once);
    EXPECT_TRUE(g.comes_to_rest());
    const auto line = g.log(0);
    EXPECT_EQ(line["verdict"], "client_gone");
    EXPECT_EQ(line["output"], "2");
    EXPECT_EQ(line["estimated"], "true");
    EXPECT_EQ(line["status"], "499");
}

// The Python SDK closes its connection at `[DONE]`, before the last chunk of the framing.
TEST_P(client_gone, after_the_last_event_has_all_that_it_asked_for) {
    auto what = test::chat_stream({"a", "b", "c"});
    what.then = test::afterwards::hang;
    scripted_upstream upstream([&](const auto&) { return what; });
    running_gateway g(chat_model(upstream));
    test_client client(g.port());
    client.send(chat_request(streamed_with_usage));
    ASSERT_EQ(client.read_head().status, 200);
    for (std::size_t i = 0; i < what.pieces.size(); ++i)
        ASSERT_TRUE(client.read_event());
    leave(client, GetParam());
    ASSERT_TRUE(upstream.wait_for_closed_clients(1));
    EXPECT_TRUE(g.comes_to_rest());
    const auto line = g.log(0);
    EXPECT_EQ(line["verdict"], "served");
    EXPECT_EQ(line["status"], "200");
    EXPECT_EQ(line["estimated"], "false");
}

TEST_P(client_gone, while_its_upstream_is_connected_to_ends_that_too) {
    const test::silent_listener silent;
    running_gateway g(
        "timeouts: {connect: 1h, total: 1h}\nhealth: {timeout: 1h}\n" +
        chat_model({"{url: \"http://127.0.0.1:" + std::to_string(silent.port()) + "\"}"})
    );
    test_client client(g.port());
    client.send(chat_request());
    ASSERT_TRUE(eventually([&] { return g.slots_taken() == 1; }));
    leave(client, GetParam());
    EXPECT_TRUE(g.comes_to_rest());
    EXPECT_EQ(g.log(0)["verdict"], "client_gone");
    EXPECT_EQ(g.log(0)["attempts"], "1");
}

TEST_P(client_gone, in_the_queue_leaves_it) {
    const auto allowed = nothing_yet();
    scripted_upstream upstream([&](const auto&) { return test::held(test::chat("a"), allowed); });
    running_gateway g(chat_model({replica_of(upstream, ", slots: 1")}));
    test_client first(g.port()), waits(g.port()), behind(g.port());
    first.send(chat_request());
    ASSERT_TRUE(upstream.wait_for_requests(1));
    waits.send(chat_request());
    ASSERT_TRUE(eventually([&] { return g.waiting() == 1; }));
    behind.send(chat_request());
    ASSERT_TRUE(eventually([&] { return g.waiting() == 2; }));
    leave(waits, GetParam());
    const auto left = test::clock::now();
    ASSERT_TRUE(eventually([&] { return g.waiting() == 1; }));
    EXPECT_LT(test::clock::now() - left, at_once);
    EXPECT_EQ(upstream.num_requests(), 1u) << "nothing was asked of the upstream";
    allowed->store(everything);
    EXPECT_EQ(first.read_response().status, 200);
    EXPECT_EQ(behind.read_response().status, 200);
    EXPECT_TRUE(g.comes_to_rest());
    EXPECT_EQ(upstream.num_requests(), 2u);
    bool seen = false;
    for (std::size_t i = 0; i < 3; ++i) {
        const auto line = g.log(i);
        if (line["verdict"] != "client_gone") continue;
        seen = true;
        EXPECT_EQ(line["t_dispatch"], "null");
        EXPECT_EQ(line["prompt"], "0") << "nothing was used";
    }
    EXPECT_TRUE(seen);
}

INSTANTIATE_TEST_SUITE_P(
    by,
    client_gone,
    testing::Values(leaving::fin, leaving::rst, leaving::half),
    [](const auto& info) {
        return std::string(
            info.param == leaving::fin   ? "fin"
            : info.param == leaving::rst ? "rst"
                                         : "half_close"
        );
    }
);

TEST(client_gone_test, inside_its_upload_leaves_nothing_behind) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    {
        test_client client(g.port());
        const std::string request = chat_request();
        client.send(request.substr(0, request.size() - 5));
        ASSERT_TRUE(eventually([&] { return g.metric("penstock_body_bytes_held") > 0; }));
    }
    EXPECT_TRUE(eventually([&] { return g.metric("penstock_body_bytes_held") == 0; }));
    EXPECT_EQ(g.log(0)["verdict"], "client_gone");
    EXPECT_EQ(upstream.num_requests(), 0u);
}

TEST(client_gone_test, is_no_failure_of_the_replica) {
    scripted_upstream upstream([](const auto& request) {
        return request.number < 10 ? test::silence() : test::chat("a");
    });
    running_gateway g("health: {breaker: {failures: 2, open_for: 1h}}\n" + chat_model(upstream));
    for (std::size_t i = 0; i < 10; ++i) {
        test_client client(g.port());
        client.send(chat_request());
        ASSERT_TRUE(upstream.wait_for_requests(i + 1));
        client.close();
        ASSERT_TRUE(upstream.wait_for_closed_clients(i + 1));
    }
    EXPECT_EQ(g.ask(chat_request()).status, 200);
}

// ── back pressure ───────────────────────────────────────────────────────────────────────────────

std::size_t resident_kib() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6));
    return 0;
}

TEST(back_pressure, stops_an_upstream_that_offers_a_gigabyte_to_a_slow_client) {
    constexpr std::uint64_t gigabyte = 1 << 30, mebibyte = 1 << 20;
    scripted_upstream upstream([&](const auto&) { return test::endless(gigabyte); });
    running_gateway g(chat_model(upstream));
    // Once before, so that what is allocated once does not count.
    {
        test_client warm(g.port(), 4096);
        warm.send(chat_request(streamed));
        ASSERT_EQ(warm.read_head().status, 200);
        warm.read_slowly(mebibyte, 200ms);
    }
    ASSERT_TRUE(upstream.wait_for_closed_clients(1));
    ASSERT_TRUE(g.comes_to_rest());

    const std::size_t before = resident_kib();
    test_client client(g.port(), 4096);
    client.send(chat_request(streamed));
    ASSERT_EQ(client.read_head().status, 200);
    const std::size_t taken = client.read_slowly(mebibyte, 5000ms);
    EXPECT_GT(taken, mebibyte);
    const std::size_t during = resident_kib();
    if (!is_sanitized) {
        EXPECT_LT(during, before + 1024) << "KiB of the whole process, client and upstream too";
    }
    // What the kernel holds on the way is bounded by its socket buffers (tcp_wmem, tcp_rmem).
    const auto written = upstream.written_when_blocked(1);
    ASSERT_TRUE(written) << "the upstream was stopped";
    EXPECT_LT(*written, taken + 16 * mebibyte);
    client.close();
    const auto left = test::clock::now();
    ASSERT_TRUE(upstream.wait_for_closed_clients(2));
    EXPECT_LT(*upstream.requests()[1].client_closed - left, at_once);
    EXPECT_TRUE(g.comes_to_rest());
}

TEST(back_pressure, ends_with_a_client_that_takes_nothing_at_all) {
    scripted_upstream upstream([&](const auto&) { return test::endless(1 << 30); });
    running_gateway g("timeouts: {client_stall: 200ms}\n" + chat_model(upstream));
    test_client client(g.port(), 4096);
    client.send(chat_request(streamed));
    ASSERT_TRUE(upstream.wait_for_closed_clients(1));
    EXPECT_TRUE(g.comes_to_rest());
    EXPECT_EQ(g.log(0)["verdict"], "client_gone");
}

TEST(back_pressure, holds_a_large_upload_while_the_upstream_reads_nothing) {
    scripted_upstream upstream;
    running_gateway g(
        "timeouts: {connect: 300ms, first_byte: 300ms, between_bytes: 300ms, total: 1s}\n" +
        chat_model(upstream)
    );
    ASSERT_TRUE(upstream.wait_for_health_checks(1));
    upstream.greet([](std::size_t) { return test::greeting::never_read; });
    const std::string body =
        R"({"model":"chat","messages":[],"pad":")" + std::string(20'000'000, 'x') + "\"}";
    const auto got = g.ask(test::post(chat_path, body));
    EXPECT_EQ(got.status, 504) << "until its time is over";
    EXPECT_TRUE(g.comes_to_rest());
    EXPECT_EQ(g.metric("penstock_body_bytes_held"), 0);
}

}  // namespace
}  // namespace penstock::gateway
