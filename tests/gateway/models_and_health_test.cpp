// What the gateway answers by itself: models, health, metrics; and who may ask.
#include "gateway/running_gateway.hpp"

#include <gmock/gmock.h>

namespace penstock::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;

// `penstock key new` would print these.
constexpr std::string_view key_of_all = "sk-all", key_of_chat = "sk-chat";
constexpr std::string_view digest_of_all =
    "a046e4925c1c5162e2a952bf81b903655ab1b77d52aac4b82b9c4ca26ad5f73e";
constexpr std::string_view digest_of_chat =
    "81e20b546d8fdc24231bc9b57f18867fdec4acb9ee4871faca534a4c557981f1";

std::string two_models(const scripted_upstream& upstream) {
    return "models:\n  chat: {aliases: [gpt-4o], context: 8k, replicas: [" + replica_of(upstream) +
           "]}\n  embed: {replicas: [" + replica_of(upstream) + "]}\n";
}

std::string two_keys() {
    return "keys:\n  - {name: all, sha256: " + std::string(digest_of_all) +
           "}\n  - {name: chat, models: [chat], sha256: " + std::string(digest_of_chat) + "}\n";
}

TEST(models, are_listed_with_their_aliases) {
    scripted_upstream upstream;
    running_gateway g(two_models(upstream));
    const auto answer = g.ask(test::get("/v1/models"));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.header("content-type"), "application/json");
    EXPECT_EQ(
        answer.body,
        R"({"object":"list","data":[)"
        R"({"id":"chat","object":"model","created":1677610602,"owned_by":"penstock",)"
        R"("max_model_len":8192},)"
        R"({"id":"embed","object":"model","created":1677610602,"owned_by":"penstock"},)"
        R"({"id":"gpt-4o","object":"model","created":1677610602,"owned_by":"penstock",)"
        R"("max_model_len":8192,"root":"chat"}]})"
    );
    EXPECT_EQ(g.ask(test::get("/models")).body, answer.body);
    EXPECT_EQ(upstream.num_requests(), 0u);
}

TEST(models, are_shown_one_by_one) {
    scripted_upstream upstream;
    running_gateway g(two_models(upstream));
    EXPECT_EQ(
        g.ask(test::get("/v1/models/embed")).body,
        R"({"id":"embed","object":"model","created":1677610602,"owned_by":"penstock"})"
    );
    const auto missing = g.ask(test::get("/v1/models/nope"));
    EXPECT_EQ(missing.status, 404);
    EXPECT_THAT(missing.body, HasSubstr(R"("code":"model_not_found")"));
}

TEST(models, are_seen_by_a_key_only_if_it_may_use_them) {
    scripted_upstream upstream;
    running_gateway g(two_keys() + two_models(upstream));
    const headers chat{{"Authorization", "Bearer " + std::string(key_of_chat)}};
    const auto list = g.ask(test::get("/v1/models", chat)).body;
    EXPECT_THAT(list, HasSubstr("\"chat\""));
    EXPECT_THAT(list, Not(HasSubstr("embed")));
    EXPECT_EQ(g.ask(test::get("/v1/models/embed", chat)).status, 404) << "as if it were not there";
    const headers all{{"x-api-key", std::string(key_of_all)}};
    EXPECT_THAT(g.ask(test::get("/v1/models", all)).body, HasSubstr("embed"));
}

TEST(models, have_a_head) {
    scripted_upstream upstream;
    running_gateway g(two_models(upstream));
    test_client client(g.port());
    const auto whole = client.exchange(test::get("/v1/models"));
    client.send("HEAD /v1/models HTTP/1.1\r\nHost: t\r\n\r\n");
    const auto head = client.read_response(true);
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.body, "");
    EXPECT_EQ(head.header("content-length"), std::to_string(whole.body.size()));
    EXPECT_EQ(client.exchange(test::get("/v1/models")).body, whole.body) << "nothing of it is left";
}

TEST(health, needs_no_key_to_say_that_it_lives_and_is_ready) {
    scripted_upstream upstream;
    running_gateway g(two_keys() + two_models(upstream));
    for (const char* path : {"/health/liveliness", "/health/liveness"}) {
        const auto answer = g.ask(test::get(path));
        EXPECT_EQ(answer.status, 200);
        EXPECT_EQ(answer.body, "\"I'm alive!\"");
    }
    const auto ready = g.ask(test::get("/health/readiness"));
    EXPECT_EQ(ready.status, 200);
    EXPECT_THAT(ready.body, HasSubstr(R"("status":"healthy")"));
}

TEST(health, and_metrics_and_models_need_a_key_on_the_main_port_once_there_are_any) {
    scripted_upstream upstream;
    running_gateway g("admin: {address: \"127.0.0.1:0\"}\n" + two_keys() + two_models(upstream));
    const headers key{{"api-key", std::string(key_of_chat)}};
    for (const char* path : {"/health", "/metrics", "/v1/models"}) {
        EXPECT_EQ(g.ask(test::get(path)).status, 401) << path;
        EXPECT_EQ(g.ask(test::get(path, key)).status, 200) << path;
    }
    test_client admin(g.port(1));
    EXPECT_EQ(admin.exchange(test::get("/metrics")).status, 200);
    EXPECT_EQ(admin.exchange(test::get("/health")).status, 200);
    EXPECT_EQ(admin.exchange(test::get("/v1/models")).status, 401);
}

TEST(health, tells_each_replica_by_its_probes_word) {
    scripted_upstream well, ill;
    ill.set_health(500);
    running_gateway g("health: {every: 10ms}\n" + chat_model({replica_of(well), replica_of(ill)}));
    ASSERT_TRUE(eventually([&] {
        return g.ask(test::get("/health")).body.find(R"("unhealthy_count":1)") != std::string::npos;
    }));
    const auto body = g.ask(test::get("/health")).body;
    EXPECT_THAT(
        body,
        HasSubstr(R"("healthy_endpoints":[{"model":"chat","replica":"chat/default/default/r0",)"
                  R"("state":"ready")")
    );
    EXPECT_THAT(
        body,
        HasSubstr(R"("unhealthy_endpoints":[{"model":"chat","replica":"chat/default/default/r1",)"
                  R"("state":"dead")")
    );
    EXPECT_EQ(well.num_requests() + ill.num_requests(), 0u);
    for (int i = 0; i < 6; ++i)
        EXPECT_EQ(g.ask(chat_request()).status, 200);
    EXPECT_EQ(ill.num_requests(), 0u) << "a dead replica gets nothing";
    ill.set_health(200);
    EXPECT_TRUE(eventually([&] {
        return g.ask(test::get("/health")).body.find(R"("healthy_count":2)") != std::string::npos;
    })) << "and comes back";
}

TEST(health, of_no_replica_left_is_503_with_retry_after) {
    scripted_upstream ill;
    ill.set_health(500);
    running_gateway g("health: {every: 10ms}\n" + chat_model(ill));
    ASSERT_TRUE(eventually([&] { return g.ask(chat_request()).status == 503; }));
    const auto answer = g.ask(chat_request());
    EXPECT_EQ(answer.header("x-penstock-shed-reason"), "no_replica");
    EXPECT_TRUE(answer.header("retry-after"));
    EXPECT_TRUE(answer.header("retry-after-ms"));
}

TEST(health, warms_a_replica_up_before_it_gets_a_request) {
    const auto allowed = nothing_yet();
    scripted_upstream upstream([&](const test::recorded& request) {
        if (request.target() == "/v1/completions") return test::held(test::json("{}"), allowed);
        return test::chat("hi");
    });
    running_gateway g(
        "health: {every: 20ms}\n" +
        chat_model(upstream, R"(, warmup: {path: /v1/completions, body: '{"prompt":"warm"}'})")
    );
    ASSERT_TRUE(upstream.wait_for_requests(1));
    EXPECT_EQ(upstream.requests()[0].body, R"({"prompt":"warm"})");
    EXPECT_EQ(g.ask(chat_request()).status, 503) << "not warm yet";
    allowed->store(everything);
    EXPECT_TRUE(eventually([&] { return g.ask(chat_request()).status == 200; }));
    const auto requests = upstream.requests();
    const auto warmups = std::count_if(requests.begin(), requests.end(), [](const auto& each) {
        return each.target() == "/v1/completions";
    });
    EXPECT_EQ(warmups, 1);
}

TEST(metrics, are_prometheus_text) {
    scripted_upstream upstream;
    running_gateway g(two_models(upstream));
    g.ask(test::get("/nowhere"));
    const auto answer = g.ask(test::get("/metrics"));
    EXPECT_EQ(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_THAT(answer.body, HasSubstr("\n# TYPE penstock_requests_total counter\n"));
    EXPECT_THAT(answer.body, HasSubstr("penstock_upstream_up{model=\"embed\""));
    EXPECT_THAT(
        answer.body, HasSubstr(R"(penstock_refusals_total{reason="unknown_route",model="other"} 1)")
    );
}

}  // namespace
}  // namespace penstock::gateway
