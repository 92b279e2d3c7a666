// Stopping: what runs ends by itself, what comes is refused, what does not end is cut.
#include "gateway/running_gateway.hpp"

#include <gmock/gmock.h>

#include <system_error>

namespace penstock::gateway {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

// Drains beside the test.
class draining {
 public:
    draining(running_gateway& g, duration deadline)
        : thread_([this, &g, deadline] {
              g->drain(deadline);
              done_ = true;
          }) {}
    ~draining() { thread_.join(); }
    bool is_done() const { return done_; }

 private:
    std::atomic<bool> done_ = false;
    std::thread thread_;
};

bool refuses_connections(std::uint16_t port) {
    try {
        test_client client(port);
        // One that was accepted in the last moment is told so.
        const auto got = client.exchange(test::get("/health/readiness"));
        return got.status == 0;
    } catch (const std::system_error&) {
        return true;
    }
}

TEST(drain, lets_a_stream_end_by_itself) {
    const auto allowed = nothing_yet();
    const auto what = test::chat_stream({"a", "b"});
    scripted_upstream upstream([&](const auto&) { return test::held(what, allowed); });
    running_gateway g(chat_model(upstream));
    test_client client(g.port());
    client.send(chat_request(streamed));
    allowed->store(2);
    ASSERT_EQ(client.read_head().status, 200);
    ASSERT_TRUE(client.read_event());
    ASSERT_TRUE(client.read_event());
    {
        draining d(g, 1min);
        EXPECT_TRUE(eventually([&] { return refuses_connections(g.port()); }));
        EXPECT_FALSE(d.is_done());
        allowed->store(everything);
        EXPECT_THAT(client.read_rest(), EndsWith("data: [DONE]\n\n"));
        EXPECT_TRUE(client.is_closed_within(3s)) << "no further request on it";
        client.close();
    }
    EXPECT_EQ(g.log(0)["verdict"], "served");
}

TEST(drain, serves_those_that_wait_already) {
    const auto allowed = nothing_yet();
    scripted_upstream upstream([&](const auto&) { return test::held(test::chat("a"), allowed); });
    running_gateway g(chat_model({replica_of(upstream, ", slots: 1")}));
    test_client runs(g.port()), waits(g.port());
    runs.send(chat_request());
    waits.send(chat_request());
    ASSERT_TRUE(eventually([&] { return g.waiting() == 1; }));
    draining d(g, 1min);
    EXPECT_TRUE(eventually([&] { return refuses_connections(g.port()); }));
    allowed->store(everything);
    for (auto* client : {&runs, &waits}) {
        const auto got = client->read_response();
        EXPECT_EQ(got.status, 200);
        EXPECT_EQ(got.header("connection"), "close");
        client->close();
    }
}

TEST(drain, closes_idle_connections_at_once) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream));
    test_client fresh(g.port()), used(g.port());
    ASSERT_EQ(used.exchange(chat_request()).status, 200);
    const auto began = test::clock::now();
    g->drain(1min);
    EXPECT_LT(test::clock::now() - began, 5s);
    EXPECT_TRUE(fresh.is_closed_within(1s));
    EXPECT_TRUE(used.is_closed_within(1s));
}

TEST(drain, refuses_what_still_comes_and_is_not_ready) {
    const auto allowed = nothing_yet();
    scripted_upstream upstream([&](const auto&) { return test::held(test::chat("a"), allowed); });
    running_gateway g("threads: 1\n" + chat_model(upstream));
    // Half a head has come before: these connections are not idle.
    test_client runs(g.port()), asks(g.port()), probes(g.port());
    runs.send(chat_request());
    ASSERT_TRUE(upstream.wait_for_requests(1));
    const std::string request = chat_request(), probe = test::get("/health/readiness");
    asks.send(request.substr(0, 20));
    probes.send(probe.substr(0, 20));
    EXPECT_TRUE(asks.is_quiet_for(50ms));
    {
        draining d(g, 1min);
        ASSERT_TRUE(eventually([&] { return refuses_connections(g.port()); }));
        asks.send(request.substr(20));
        const auto refused = asks.read_response();
        EXPECT_EQ(refused.status, 503);
        EXPECT_EQ(refused.header("x-penstock-shed-reason"), "draining");
        EXPECT_TRUE(refused.header("retry-after"));
        probes.send(probe.substr(20));
        const auto ready = probes.read_response();
        EXPECT_EQ(ready.status, 503);
        EXPECT_THAT(ready.body, HasSubstr("draining"));
        allowed->store(everything);
        EXPECT_EQ(runs.read_response().status, 200);
    }
}

TEST(drain, cuts_a_stream_with_an_error_event_when_its_time_is_over) {
    auto what = test::chat_stream({"a"});
    what.then = test::afterwards::hang;
    what.pieces.resize(2);
    scripted_upstream upstream([&](const auto&) { return what; });
    running_gateway g(chat_model(upstream));
    test_client client(g.port());
    client.send(chat_request(streamed));
    ASSERT_EQ(client.read_head().status, 200);
    ASSERT_TRUE(client.read_event());
    ASSERT_TRUE(client.read_event());
    g->drain(100ms);
    const auto rest = client.read_rest();
    EXPECT_THAT(rest, HasSubstr(R"(data: {"error":{"message":"This gateway is shutting down.")"));
    EXPECT_THAT(rest, EndsWith("}}\n\n"));
    EXPECT_TRUE(upstream.wait_for_closed_clients(1));
    EXPECT_EQ(g.log(0)["reason"], "draining");
}

TEST(drain, answers_503_to_those_without_an_answer_when_its_time_is_over) {
    scripted_upstream upstream([](const auto&) { return test::silence(); });
    running_gateway g(chat_model({replica_of(upstream, ", slots: 1")}));
    // Many wait, on both loops: the slot that one gives back when it is cut goes to the next.
    std::vector<test_client> clients;
    for (int i = 0; i < 16; ++i) {
        clients.emplace_back(g.port());
        clients.back().send(chat_request());
    }
    ASSERT_TRUE(upstream.wait_for_requests(1));
    ASSERT_TRUE(eventually([&] { return g.waiting() == 15; }));
    g->drain(50ms);
    for (test_client& client : clients) {
        const auto got = client.read_response();
        EXPECT_EQ(got.status, 503);
        EXPECT_THAT(got.body, HasSubstr(R"("code":"draining")"));
    }
    EXPECT_TRUE(upstream.wait_for_closed_clients(1));
    EXPECT_TRUE(g.comes_to_rest());
}

TEST(drain, waits_for_no_client_that_takes_nothing) {
    scripted_upstream upstream([](const auto&) { return test::endless(1 << 30); });
    running_gateway g(chat_model(upstream));
    test_client stalls(g.port(), 4096), slow(g.port());
    stalls.send(chat_request(streamed));
    slow.send(chat_request().substr(0, 100));
    ASSERT_TRUE(upstream.written_when_blocked(0, 50ms));
    const auto began = test::clock::now();
    g->drain(50ms);
    EXPECT_LT(test::clock::now() - began, 5s);
    EXPECT_TRUE(upstream.wait_for_closed_clients(1));
    EXPECT_TRUE(g.comes_to_rest());
}

}  // namespace
}  // namespace penstock::gateway
