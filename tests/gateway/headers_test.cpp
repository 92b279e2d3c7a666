// Which headers go upstream, which come back, and which are ours.
#include "gateway/running_gateway.hpp"

#include <gmock/gmock.h>

namespace penstock::gateway {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

constexpr std::string_view secret = "sk-client-secret";
// SHA-256 of it.
constexpr std::string_view digest =
    "83bc7d9075770569f2732690a0352f8eb7996595f48fe72e52dfea1ead172f84";

std::string exact_head(const scripted_upstream& upstream, std::size_t number = 0) {
    return upstream.requests().at(number).head;
}

TEST(headers, go_upstream_as_exactly_these_lines) {
    scripted_upstream upstream;
    running_gateway g(chat_model({replica_of(upstream, ", api_key: sk-engine")}));
    const std::string body = chat_body();
    const auto answer = g.ask(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: public.example\r\n"
        "Accept: text/plain\r\nX-Custom: one\r\nx-custom: two\r\n"
        "Authorization: Bearer sk-client-secret\r\nx-api-key: sk-client-secret\r\n"
        "api-key: sk-client-secret\r\nCookie: session=1\r\nAccept-Encoding: gzip\r\n"
        "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\n"
        "Upgrade: h2c\r\nProxy-Authorization: Basic c2s=\r\nx-penstock-class: bulk\r\n"
        "x-request-id: abc\r\nContent-Type: application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body
    );
    ASSERT_EQ(answer.status, 200);
    EXPECT_EQ(
        exact_head(upstream),
        "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(upstream.port()) +
            "\r\nAuthorization: Bearer sk-engine\r\nAccept-Encoding: identity\r\nContent-Length: " +
            std::to_string(body.size()) +
            "\r\nAccept: text/plain\r\nX-Custom: one\r\nx-custom: two\r\n"
            "Content-Type: application/json\r\nx-request-id: abc\r\n\r\n"
    );
}

TEST(headers, send_no_authorization_to_a_replica_without_a_key) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    ASSERT_EQ(g.ask(chat_request({}, {{"Authorization", "Bearer x"}})).status, 200);
    EXPECT_EQ(upstream.requests()[0].header("authorization"), std::nullopt);
}

TEST(headers, pass_a_valid_traceparent_and_drop_a_broken_one) {
    scripted_upstream upstream;
    running_gateway g("threads: 1\n" + chat_model(upstream));
    const std::string good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    g.ask(chat_request({}, {{"traceparent", good}, {"tracestate", "a=b"}}));
    g.ask(chat_request({}, {{"traceparent", "00-xyz-01"}}));
    EXPECT_EQ(upstream.requests()[0].header("traceparent"), good);
    EXPECT_EQ(upstream.requests()[0].header("tracestate"), "a=b");
    EXPECT_EQ(upstream.requests()[1].header("traceparent"), std::nullopt);
    EXPECT_EQ(g.log(0)["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    EXPECT_EQ(g.log(1)["trace_id"], "");
}

TEST(headers, name_a_request_that_came_without_a_usable_id) {
    scripted_upstream upstream;
    running_gateway g("threads: 1\n" + chat_model(upstream));
    const auto without = g.ask(chat_request());
    const auto broken = g.ask(chat_request({}, {{"x-request-id", std::string(200, 'a')}}));
    EXPECT_THAT(without.header("x-request-id").value_or(""), MatchesRegex("req-[0-9a-f]{16}"));
    EXPECT_THAT(broken.header("x-request-id").value_or(""), MatchesRegex("req-[0-9a-f]{16}"));
    EXPECT_EQ(upstream.requests()[0].header("x-request-id"), without.header("x-request-id"));
    EXPECT_EQ(g.log(0)["request_id"], without.header("x-request-id"));
}

TEST(headers, of_an_answer_tell_where_it_was_made) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream, ", max_tokens: 10"));
    const auto answer = g.ask(chat_request(R"(,"max_tokens":99)", {{"x-penstock-class", "bulk"}}));
    EXPECT_EQ(answer.header("x-penstock-pool"), "chat/default/default");
    EXPECT_EQ(answer.header("x-penstock-version"), "chat/default");
    EXPECT_EQ(answer.header("x-penstock-replica"), "chat/default/default/r0");
    EXPECT_EQ(answer.header("x-penstock-attempts"), "1");
    EXPECT_EQ(answer.header("x-penstock-queue-ms"), "0");
    EXPECT_EQ(answer.header("x-penstock-class"), "bulk");
    EXPECT_EQ(answer.header("x-penstock-max-tokens"), "10");
}

TEST(headers, of_ours_are_left_out_when_the_settings_say_so) {
    scripted_upstream upstream;
    running_gateway g("expose_headers: none\n" + chat_model(upstream));
    const auto answer = g.ask(chat_request());
    EXPECT_THAT(answer.head, Not(HasSubstr("x-penstock-")));
    EXPECT_TRUE(answer.header("x-request-id"));
    upstream.enqueue(test::busy(503, 1));
    const auto refused = g.ask(chat_request());
    EXPECT_EQ(refused.status, 503);
    EXPECT_THAT(refused.head, Not(HasSubstr("x-penstock-")));
}

TEST(headers, of_a_refusal_say_what_http_demands) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    EXPECT_EQ(g.ask(test::get(chat_path)).header("allow"), "POST");
    EXPECT_EQ(g.ask(test::post("/v1/models", "{}")).header("allow"), "GET");
}

TEST(headers, of_an_upstream_cannot_pose_as_ours) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    auto scripted = test::chat("hi");
    scripted.headers.insert(
        scripted.headers.end(),
        {{"x-penstock-pool", "mine"},
         {"X-Penstock-Other", "mine"},
         {"x-request-id", "theirs"},
         {"Connection", "X-Hop"},
         {"X-Hop", "1"},
         {"Keep-Alive", "timeout=5"}}
    );
    upstream.enqueue(scripted);
    const auto answer = g.ask(chat_request({}, {{"x-request-id", "ours"}}));
    EXPECT_EQ(test::num_headers_of(answer.head, "x-penstock-pool"), 1u);
    EXPECT_EQ(answer.header("x-penstock-pool"), "chat/default/default");
    EXPECT_EQ(answer.header("x-penstock-other"), std::nullopt);
    EXPECT_EQ(test::num_headers_of(answer.head, "x-request-id"), 1u);
    EXPECT_EQ(answer.header("x-request-id"), "ours");
    EXPECT_EQ(answer.header("x-hop"), std::nullopt);
    EXPECT_EQ(answer.header("keep-alive"), std::nullopt);
    EXPECT_EQ(answer.header("connection"), std::nullopt);
}

TEST(headers, with_wishes_that_cannot_be_read_are_refused) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    for (const auto& [name, value] : headers{
             {"x-penstock-deadline-ms", "soon"},
             {"x-penstock-deadline-ms", "0"},
             {"x-penstock-deadline-ms", "-5"},
             {"x-penstock-deadline-ms", "86400001"},
             {"x-slo-ttft-ms", "1.5"},
             {"x-llm-d-slo-ttft-ms", "99999999999999999999"},
             {"x-penstock-class", "vip"}
         }) {
        const auto answer = g.ask(chat_request({}, {{name, value}}));
        EXPECT_EQ(answer.status, 400) << name << ": " << value;
        EXPECT_THAT(answer.body, HasSubstr("\"param\":\"" + name + "\""));
    }
    EXPECT_EQ(upstream.num_requests(), 0u);
}

// ── keys ────────────────────────────────────────────────────────────────────────────────────────

class keys : public testing::Test {
 protected:
    static std::string keyed(const std::string& more = {}) {
        return "keys: [{name: team, tenant: search, sha256: " + std::string(digest) + more + "}]\n";
    }
};

TEST_F(keys, are_taken_from_three_headers) {
    scripted_upstream upstream;
    running_gateway g("threads: 1\n" + keyed() + chat_model(upstream));
    const std::string key(secret);
    for (const auto& line : headers{
             {"Authorization", "Bearer " + key},
             {"authorization", "bearer " + key},
             {"x-api-key", key},
             {"api-key", key}
         })
        EXPECT_EQ(g.ask(chat_request({}, {line})).status, 200) << line.first;
    for (std::size_t i = 0; i < 4; ++i)
        EXPECT_THAT(exact_head(upstream, i), Not(HasSubstr(key))) << "it stays here";
    const auto line = g.log(0);
    EXPECT_EQ(line["tenant"], "search");
    EXPECT_EQ(line["key"], digest.substr(0, 8));
    EXPECT_THAT(line.text(), Not(HasSubstr(key)));
}

TEST_F(keys, that_are_missing_or_unknown_are_401_before_the_body_is_read) {
    scripted_upstream upstream;
    running_gateway g(keyed() + chat_model(upstream));
    for (const headers& lines :
         {headers{},
          headers{{"Authorization", "Bearer sk-wrong"}},
          headers{{"api-key", "sk-wrong"}},
          headers{{"Authorization", "Basic " + std::string(secret)}}}) {
        test_client client(g.port());
        std::string request = chat_request({}, lines);
        request.resize(request.find("\r\n\r\n") + 4);  // the head alone
        const auto answer = client.exchange(request);
        EXPECT_EQ(answer.status, 401);
        EXPECT_EQ(answer.header("www-authenticate"), "Bearer");
        EXPECT_THAT(answer.body, HasSubstr("\"type\":"));
        EXPECT_EQ(answer.header("x-should-retry"), std::nullopt) << "401 is final anyway";
    }
    EXPECT_EQ(upstream.num_requests(), 0u);
}

TEST_F(keys, open_only_their_models_routes_and_classes) {
    scripted_upstream upstream;
    const std::string models = "models:\n  chat: {replicas: [" + replica_of(upstream) +
                               "]}\n  other: {replicas: [" + replica_of(upstream) + "]}\n";
    running_gateway g(
        keyed(", models: [chat], routes: [/v1/chat/completions], classes: [bulk]") + models
    );
    const headers key{{"api-key", std::string(secret)}};
    EXPECT_EQ(g.ask(chat_request({}, key)).header("x-penstock-class"), "bulk") << "clamped";
    const auto model = g.ask(test::post(chat_path, R"({"model":"other","messages":[]})", key));
    EXPECT_EQ(model.status, 403);
    EXPECT_THAT(model.body, HasSubstr("model_not_allowed"));
    const auto route = g.ask(test::post("/v1/embeddings", R"({"model":"chat","input":"a"})", key));
    EXPECT_EQ(route.status, 403);
    EXPECT_THAT(route.body, HasSubstr("route_not_allowed"));
    EXPECT_EQ(upstream.num_requests(), 1u);
}

TEST_F(keys, open_none_of_our_own_routes_but_theirs) {
    scripted_upstream upstream;
    running_gateway g(keyed(", routes: [/v1/chat/completions, /v1/models]") + chat_model(upstream));
    const auto ask = [&](const char* path) {
        return g.ask(test::get(path, {{"Authorization", "Bearer " + std::string(secret)}})).status;
    };
    EXPECT_EQ(ask("/v1/models"), 200);
    EXPECT_EQ(ask("/metrics"), 403);
    EXPECT_EQ(ask("/health"), 403);
    EXPECT_EQ(ask("/health/liveness"), 200) << "anyone's";
}

TEST_F(keys, hear_nothing_of_models_that_they_may_not_use) {
    scripted_upstream upstream;
    running_gateway g(
        keyed(", models: [chat]") + "models:\n  chat: {replicas: [" +
        replica_of(upstream, ", serves: [/v1/chat/completions]") + "]}\n  secret: {replicas: [" +
        replica_of(upstream, ", serves: [/v1/embeddings]") + "]}\n"
    );
    const auto got = g.ask(test::post(
        "/v1/embeddings",
        R"({"model":"chat","input":"a"})",
        {{"Authorization", "Bearer " + std::string(secret)}}
    ));
    EXPECT_EQ(got.status, 404);
    EXPECT_THAT(got.body, Not(HasSubstr("secret")));
}

TEST_F(keys, that_are_tried_on_our_own_routes_leave_a_line) {
    scripted_upstream upstream;
    running_gateway g(keyed() + chat_model(upstream));
    EXPECT_EQ(g.ask(test::get("/v1/models", {{"api-key", "sk-wrong"}})).status, 401);
    EXPECT_EQ(g.log(0)["route"], "/v1/models");
    EXPECT_EQ(g.log(0)["reason"], "invalid_api_key");
}

}  // namespace
}  // namespace penstock::gateway
