// Settings swapped while requests run: they keep the old, live counts are never rebuilt.
#include "gateway/running_gateway.hpp"

#include <gmock/gmock.h>

namespace penstock::gateway {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

TEST(reload, serves_what_the_new_settings_say) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    const std::string to_new = R"({"model":"new","messages":[]})";
    test_client client(g.port());
    EXPECT_EQ(client.exchange(test::post(chat_path, to_new)).status, 404);
    ASSERT_TRUE(g.reload("models: {new: {replicas: [" + replica_of(upstream) + "]}}\n"));
    EXPECT_TRUE(eventually([&] {
        return client.exchange(test::post(chat_path, to_new)).status == 200;
    }));
    EXPECT_TRUE(eventually([&] { return g.ask(chat_request()).status == 404; })) << "it is gone";
    EXPECT_EQ(g.metric("penstock_settings_generation"), 2);
    EXPECT_EQ(g.metric(R"(penstock_reloads_total{result="ok"})"), 1);
}

TEST(reload, lets_a_running_stream_go_on_whose_model_is_gone) {
    const auto allowed = nothing_yet();
    scripted_upstream old([&](const auto&) {
        return test::held(test::chat_stream({"a", "b"}), allowed);
    });
    scripted_upstream other;
    running_gateway g(chat_model(old));
    test_client client(g.port());
    client.send(chat_request(streamed));
    allowed->store(2);
    ASSERT_EQ(client.read_head().status, 200);
    ASSERT_TRUE(g.reload("models: {other: {replicas: [" + replica_of(other) + "]}}\n"));
    EXPECT_TRUE(eventually([&] { return g.ask(chat_request()).status == 404; }));
    allowed->store(everything);
    EXPECT_THAT(client.read_rest(), EndsWith("data: [DONE]\n\n"));
    EXPECT_EQ(g.log(1)["verdict"].empty(), false);
}

TEST(reload, keeps_live_counts_by_their_id) {
    const auto allowed = nothing_yet();
    scripted_upstream upstream([&](const auto&) { return test::held(test::chat("a"), allowed); });
    const auto with_slots = [&](int n) {
        return chat_model({replica_of(upstream, ", slots: " + std::to_string(n))});
    };
    running_gateway g(with_slots(1));
    test_client runs(g.port()), waits(g.port());
    runs.send(chat_request());
    ASSERT_TRUE(upstream.wait_for_requests(1));
    waits.send(chat_request());
    ASSERT_TRUE(eventually([&] { return g.waiting() == 1; }));
    ASSERT_TRUE(g.reload(with_slots(1)));
    EXPECT_EQ(g.slots_taken(), 1) << "the slot is still taken";
    EXPECT_EQ(g.waiting(), 1) << "and the queue still there";
    EXPECT_EQ(g.ask(chat_request({}, {{"x-penstock-no-queue", "1"}})).status, 503);
    ASSERT_TRUE(g.reload(with_slots(2)));
    EXPECT_TRUE(upstream.wait_for_requests(2)) << "a slot more: who waited starts";
    allowed->store(everything);
    EXPECT_EQ(runs.read_response().status, 200);
    EXPECT_EQ(waits.read_response().status, 200);
    EXPECT_TRUE(g.comes_to_rest());
}

TEST(reload, keeps_an_open_breaker_open) {
    scripted_upstream bad([](const auto&) { return test::failure(500); });
    const std::string settings =
        "health: {breaker: {failures: 1, open_for: 1h}}\n" + chat_model(bad);
    running_gateway g(settings);
    EXPECT_EQ(g.ask(chat_request()).status, 502);
    EXPECT_EQ(g.ask(chat_request()).status, 503);
    ASSERT_TRUE(g.reload(settings + "expose_headers: none\n"));
    EXPECT_EQ(g.ask(chat_request()).status, 503);
    EXPECT_EQ(bad.num_requests(), 1u);
}

TEST(reload, that_adds_a_replica_fails_nobody_who_waits) {
    const auto allowed = nothing_yet();
    scripted_upstream busy([&](const auto&) { return test::held(test::chat("a"), allowed); });
    scripted_upstream added;
    running_gateway g(chat_model({replica_of(busy, ", slots: 1")}));
    std::vector<std::unique_ptr<test_client>> clients;
    for (int i = 0; i < 4; ++i) {
        clients.push_back(std::make_unique<test_client>(g.port()));
        clients.back()->send(chat_request());
    }
    ASSERT_TRUE(eventually([&] { return g.waiting() == 3; }));
    ASSERT_TRUE(
        g.reload(chat_model({replica_of(busy, ", slots: 1"), replica_of(added, ", slots: 1")}))
    );
    EXPECT_TRUE(eventually([&] {
        return g.ask(chat_request()).header("x-penstock-replica") == "chat/default/default/r1";
    }));
    allowed->store(everything);
    for (auto& each : clients)
        EXPECT_EQ(each->read_response().status, 200);
    EXPECT_TRUE(g.comes_to_rest());
    EXPECT_THAT(g.ask(test::get("/health")).body, HasSubstr(R"("unhealthy_count":0)"));
}

TEST(reload, that_takes_a_replica_away_lets_its_requests_end) {
    const auto allowed = nothing_yet();
    scripted_upstream gone([&](const auto&) { return test::held(test::chat("a"), allowed); });
    scripted_upstream stays;
    running_gateway g(chat_model({replica_of(gone)}));
    test_client runs(g.port());
    runs.send(chat_request());
    ASSERT_TRUE(gone.wait_for_requests(1));
    // The same place in the list, another id.
    ASSERT_TRUE(
        g.reload("models: {chat: {replicas: [{url: \"" + stays.url() + "\", id: other}]}}\n")
    );
    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(eventually([&] {
            return g.ask(chat_request()).header("x-penstock-replica") ==
                   "chat/default/default/other";
        }));
    EXPECT_EQ(gone.num_requests(), 1u);
    allowed->store(everything);
    EXPECT_EQ(runs.read_response().status, 200);
    EXPECT_TRUE(g.comes_to_rest());
}

std::string large_request() {
    return test::post(chat_path, chat_body(",\"x\":\"" + std::string(9'000, 'x') + "\""));
}

// Below the size of `too_large`.
void lower_the_limit(
    running_gateway& g, const scripted_upstream& upstream, const std::string& too_large
) {
    ASSERT_TRUE(g.reload("limits: {body: 4Ki}\n" + chat_model(upstream)));
    ASSERT_TRUE(eventually([&] { return g.ask(too_large).status == 413; }));
}

TEST(reload, leaves_a_running_upload_its_limits) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    test_client client(g.port());
    const std::string request = large_request();
    client.send(std::string_view(request).substr(0, 2'000));
    ASSERT_TRUE(eventually([&] { return g.metric("penstock_body_bytes_held") > 0; }));
    lower_the_limit(g, upstream, request);
    client.send(std::string_view(request).substr(2'000));
    EXPECT_EQ(client.read_response().status, 200);
}

TEST(reload, gives_the_next_request_of_a_kept_connection_its_limits) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    test_client kept(g.port());
    const std::string request = large_request();
    EXPECT_EQ(kept.exchange(request).status, 200);
    lower_the_limit(g, upstream, request);
    EXPECT_EQ(kept.exchange(request).status, 413);
}

TEST(reload, revokes_a_key) {
    scripted_upstream upstream;
    // SHA-256 of "sk-all".
    const std::string digest = "a046e4925c1c5162e2a952bf81b903655ab1b77d52aac4b82b9c4ca26ad5f73e";
    const std::string other(64, 'a');
    const auto with = [&](const std::string& sha256) {
        return "keys: [{name: k, sha256: " + sha256 + "}]\n" + chat_model(upstream);
    };
    running_gateway g(with(digest));
    const headers key{{"api-key", "sk-all"}};
    test_client client(g.port());
    EXPECT_EQ(client.exchange(chat_request({}, key)).status, 200);
    ASSERT_TRUE(g.reload(with(other)));
    EXPECT_TRUE(eventually([&] { return client.exchange(chat_request({}, key)).status == 401; }));
}

TEST(reload, that_cannot_be_done_changes_nothing) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    auto broken = settings_for_test(chat_model(upstream), "");
    settings::replica no_ca{.url = "https://127.0.0.1:1", .id = "x"};
    no_ca.tls = settings::tls_upstream{.ca = "/nowhere/ca.pem"};
    broken.models.at("chat").versions.at("default").pools.at("default").replicas.push_back(no_ca);
    EXPECT_TRUE(g->reload(broken).has_error());
    EXPECT_EQ(g.ask(chat_request()).status, 200);
    EXPECT_EQ(g.metric("penstock_settings_generation"), 1);
    EXPECT_EQ(g.metric(R"(penstock_reloads_total{result="error"})"), 1);
}

TEST(reload, again_and_again_under_load_breaks_nothing_and_never_exceeds_the_slots) {
    scripted_upstream upstream([](const auto& request) {
        if (request.body.find("stream") == std::string::npos) return test::chat("a");
        auto what = test::chat_stream({"a", "b"});
        what.before_piece = 1ms;
        return what;
    });
    const auto settings = [&](int i) {
        return "limits: {upstream_idle: " + std::to_string(1 + i % 4) + "}\nthreads: 4\n" +
               chat_model({replica_of(upstream, ", slots: 3")}, i % 2 ? ", aliases: [other]" : "");
    };
    running_gateway g(settings(0));
    std::atomic<bool> over = false;
    std::atomic<int> served = 0, failed = 0;
    std::vector<std::thread> clients;
    for (int i = 0; i < 16; ++i)
        clients.emplace_back([&, i] {
            test_client client(g.port());
            while (!over) {
                const auto got = client.exchange(chat_request(i % 2 ? streamed : ""));
                const bool whole = got.status == 200 && got.whole &&
                                   (i % 2 == 0 || got.body.ends_with("data: [DONE]\n\n"));
                ++(whole ? served : failed);
            }
        });
    int reloads = 0;
    const auto until = test::clock::now() + 1500ms;
    while (test::clock::now() < until) {
        EXPECT_TRUE(g.reload(settings(++reloads)));
        test::pace(3ms);
    }
    over = true;
    for (auto& client : clients)
        client.join();
    EXPECT_GT(reloads, 20);
    EXPECT_GT(served, 100);
    EXPECT_EQ(failed, 0);
    EXPECT_EQ(upstream.max_in_flight(), 3u);
    EXPECT_TRUE(g.comes_to_rest());
}

}  // namespace
}  // namespace penstock::gateway
