// What becomes of a connection: after an early refusal, with pipelined requests, with old clients.
#include "gateway/running_gateway.hpp"

#include <gmock/gmock.h>

namespace penstock::gateway {
namespace {

using testing::HasSubstr;

// ── early refusals ──────────────────────────────────────────────────────────────────────────────

const std::string key_settings = "keys: [{name: k, sha256: " + std::string(64, 'a') + "}]\n";

TEST(early_refusal, of_an_upload_of_20_mb_is_readable) {
    scripted_upstream upstream;
    running_gateway g(key_settings + chat_model(upstream));
    const std::string request =
        test::post(chat_path, std::string(20'000'000, 'x'), {{"Authorization", "Bearer wrong"}});
    for (int i = 0; i < (is_sanitized ? 20 : 200); ++i) {
        test_client client(g.port());
        const auto got = client.exchange(request);
        ASSERT_EQ(got.status, 401) << i;
        ASSERT_TRUE(got.whole) << i;
        ASSERT_THAT(got.body, HasSubstr("invalid_api_key")) << i;
    }
    EXPECT_EQ(g.metric("penstock_body_bytes_held"), 0) << "none of it was kept";
}

TEST(early_refusal, of_a_small_body_keeps_the_connection) {
    scripted_upstream upstream;
    running_gateway g(key_settings + chat_model(upstream));
    test_client client(g.port());
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(client.exchange(test::post(chat_path, std::string(60'000, 'x'))).status, 401);
        EXPECT_EQ(client.exchange(test::get("/health/liveness")).status, 200);
    }
}

TEST(early_refusal, of_a_body_announced_too_large_is_readable) {
    scripted_upstream upstream;
    running_gateway g("limits: {body: 64Ki}\n" + chat_model(upstream));
    test_client client(g.port());
    const auto got = client.exchange(test::post(chat_path, std::string(5'000'000, 'x')));
    EXPECT_EQ(got.status, 413);
    EXPECT_TRUE(got.whole);
}

TEST(early_refusal, beyond_the_memory_for_bodies_is_503) {
    scripted_upstream upstream;
    running_gateway g("limits: {body: 64Ki, bodies: 64Ki}\n" + chat_model(upstream));
    test_client holds(g.port());
    holds.send(with_head("Content-Length: 60001\r\n", std::string(60'000, ' ')));
    ASSERT_TRUE(eventually([&] { return g.metric("penstock_body_bytes_held") == 60'000; }));
    const auto got = g.ask(test::post(chat_path, std::string(10'000, ' ') + chat_body()));
    EXPECT_EQ(got.status, 503);
    EXPECT_EQ(got.header("x-penstock-shed-reason"), "out_of_body_memory");
    EXPECT_TRUE(got.header("retry-after"));
    EXPECT_EQ(g.ask(chat_request()).status, 200) << "a small one still fits";
}

TEST(early_refusal, meets_nobody_because_others_announce_bodies_that_do_not_come) {
    scripted_upstream upstream;
    running_gateway g("limits: {body: 64Ki, bodies: 64Ki}\n" + chat_model(upstream));
    std::vector<test_client> announce;
    for (int i = 0; i < 8; ++i) {
        announce.emplace_back(g.port());
        announce.back().send(with_head("Content-Length: 60000\r\n", "{"));
    }
    ASSERT_TRUE(eventually([&] { return g.metric("penstock_body_bytes_held") == 8; }));
    EXPECT_EQ(
        g.ask(test::post(chat_path, chat_body(",\"user\":\"" + std::string(9'000, 'u') + '"')))
            .status,
        200
    );
}

TEST(early_refusal, of_a_connection_too_many_is_503) {
    scripted_upstream upstream;
    running_gateway g("limits: {connections: 2}\n" + chat_model(upstream));
    test_client one(g.port()), two(g.port());
    ASSERT_EQ(one.exchange(chat_request()).status, 200);
    ASSERT_EQ(two.exchange(chat_request()).status, 200);
    const auto got = test_client(g.port()).read_response();
    EXPECT_EQ(got.status, 503);
    EXPECT_THAT(got.body, HasSubstr("too_many_connections"));
    EXPECT_TRUE(got.header("retry-after"));
    one.close();
    EXPECT_TRUE(eventually([&] { return g.ask(chat_request()).status == 200; }));
}

// ── what is unusual, but right ──────────────────────────────────────────────────────────────────

TEST(expect_continue, is_answered_after_the_key_was_seen) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    test_client client(g.port());
    const std::string request = chat_request({}, {{"Expect", "100-continue"}});
    const auto end = request.find("\r\n\r\n") + 4;
    client.send(request.substr(0, end));
    EXPECT_EQ(test::first_line(client.read_head().head), "HTTP/1.1 100 Continue");
    client.send(request.substr(end));
    EXPECT_EQ(client.read_response().status, 200);
    EXPECT_EQ(upstream.requests()[0].header("expect"), std::nullopt);
    // Who does not wait gets no 100.
    client.send(request);
    EXPECT_EQ(client.read_head().status, 200);
}

TEST(expect_continue, is_not_answered_where_the_request_is_refused) {
    scripted_upstream upstream;
    running_gateway g(key_settings + chat_model(upstream));
    test_client client(g.port());
    const std::string request = chat_request({}, {{"Expect", "100-continue"}});
    client.send(request.substr(0, request.find("\r\n\r\n") + 4));
    const auto got = client.read_head();
    EXPECT_EQ(got.status, 401);
    EXPECT_EQ(got.header("connection"), "close") << "whether the body comes is not known";
}

TEST(pipelined, requests_are_answered_in_their_order) {
    scripted_upstream upstream([](const test::recorded& request) {
        auto what = test::json(request.body);
        what.before_head = request.number == 0 ? 50ms : 0ms;
        return what;
    });
    running_gateway g("threads: 1\n" + chat_model(upstream));
    test_client client(g.port());
    const auto ask = [](int i) { return chat_request(",\"seed\":" + std::to_string(i)); };
    client.send(
        ask(1) + ask(2) + test::get("/health/liveness") + ask(3) + test::get("/none") + ask(4)
    );
    EXPECT_THAT(client.read_response().body, HasSubstr("\"seed\":1"));
    EXPECT_THAT(client.read_response().body, HasSubstr("\"seed\":2"));
    EXPECT_THAT(client.read_response().body, HasSubstr("alive"));
    EXPECT_THAT(client.read_response().body, HasSubstr("\"seed\":3"));
    EXPECT_EQ(client.read_response().status, 404);
    EXPECT_THAT(client.read_response().body, HasSubstr("\"seed\":4"));
}

TEST(pipelined, requests_of_many_bytes_are_all_answered) {
    scripted_upstream upstream([](const auto& request) { return test::json(request.body); });
    running_gateway g("threads: 1\n" + chat_model(upstream));
    test_client client(g.port());
    const std::string one = chat_request(",\"pad\":\"" + std::string(3000, 'x') + "\"");
    std::string all;
    for (int i = 0; i < 50; ++i)
        all += one;
    client.send(all);
    for (int i = 0; i < 50; ++i)
        ASSERT_EQ(client.read_response().status, 200) << i;
}

TEST(old_clients, of_http_1_0_are_closed_unless_they_ask_to_be_kept) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    test_client closes(g.port()), stays(g.port());
    const std::string line = "GET /health/liveness HTTP/1.0\r\n";
    EXPECT_EQ(closes.exchange(line + "\r\n").header("connection"), "close");
    EXPECT_TRUE(closes.is_closed_within(3s));
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(
            stays.exchange(line + "Connection: keep-alive\r\n\r\n").header("connection"),
            "keep-alive"
        );
}

TEST(old_clients, that_ask_to_be_closed_are) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    test_client client(g.port());
    EXPECT_EQ(
        client.exchange(chat_request({}, {{"Connection", "close"}})).header("connection"), "close"
    );
    EXPECT_TRUE(client.is_closed_within(3s));
}

}  // namespace
}  // namespace penstock::gateway
