// Slots and the queue in front of them, with real requests on several threads.
#include "gateway/running_gateway.hpp"

#include <gmock/gmock.h>

namespace penstock::gateway {
namespace {

using testing::HasSubstr;

TEST(admission, never_lets_more_than_the_slots_through) {
    scripted_upstream upstream([](const auto&) {
        auto what = test::chat("a");
        what.before_head = 1ms;
        return what;
    });
    running_gateway g("threads: 4\n" + chat_model({replica_of(upstream, ", slots: 2")}));
    constexpr int connections = 64, each = 10;
    std::atomic<int> served = 0;
    std::vector<std::thread> clients;
    for (int i = 0; i < connections; ++i)
        clients.emplace_back([&] {
            test_client client(g.port());
            for (int k = 0; k < each; ++k)
                served += client.exchange(chat_request()).status == 200;
        });
    for (auto& client : clients)
        client.join();
    EXPECT_EQ(served, connections * each);
    EXPECT_EQ(upstream.max_in_flight(), 2u) << "exactly: all slots are used, none twice";
    EXPECT_TRUE(g.comes_to_rest());
    EXPECT_EQ(g.ask(chat_request()).status, 200);
}

TEST(admission, gives_every_permit_back_whatever_ends_a_request) {
    std::atomic<int> turn = 0;
    scripted_upstream upstream([&](const auto&) {
        auto cut = test::chat_stream({"a", "b"});
        cut.cut_after = 100;
        switch (turn++ % 6) {
            case 0:
                return test::failure(500);
            case 1:
                return test::busy(429, 0);
            case 2:
                return cut;
            case 3:
                return test::error_event_first();
            case 4:
                return test::failure(401);
            default:
                return test::chat_stream({"a"});
        }
    });
    running_gateway g(
        "retry: {attempts: 1}\nhealth: {breaker: {failures: 1000000}, outlier: {min_requests: "
        "1000000}}\n" +
        chat_model({replica_of(upstream, ", slots: 1")})
    );
    for (int i = 0; i < 24; ++i) {
        test_client client(g.port());
        client.send(chat_request(streamed));
        if (i % 5 != 4) client.read_response();
    }
    EXPECT_TRUE(g.comes_to_rest());
    turn = 5;
    EXPECT_TRUE(eventually([&] {
        turn = 5;
        return g.ask(chat_request(streamed)).status == 200;
    })) << "the only slot is free";
}

class busy_model : public testing::Test {
 protected:
    // One slot, taken.
    void occupy(const std::string& more = {}) {
        g.emplace(more + chat_model({replica_of(upstream, ", slots: 1")}));
        holder.emplace(g->port());
        holder->send(chat_request());
        ASSERT_TRUE(upstream.wait_for_requests(1));
    }
    allowance allowed = nothing_yet();
    scripted_upstream upstream{[this](const auto&) { return test::held(test::chat("a"), allowed); }
    };
    std::optional<running_gateway> g;
    std::optional<test_client> holder;
};

TEST_F(busy_model, refuses_with_503_when_its_queue_is_full) {
    occupy("classes: {realtime: {pending: 2}, bulk: {pending: 1}}\n");
    std::vector<std::unique_ptr<test_client>> waiting;
    for (int i = 0; i < 2; ++i) {
        waiting.push_back(std::make_unique<test_client>(g->port()));
        waiting.back()->send(chat_request());
    }
    ASSERT_TRUE(eventually([&] { return g->waiting() == 2; }));
    const auto got = g->ask(chat_request());
    EXPECT_EQ(got.status, 503);
    EXPECT_THAT(got.body, HasSubstr(R"("type":"overloaded_error")"));
    EXPECT_THAT(got.body, HasSubstr(R"("code":"queue_full")"));
    EXPECT_EQ(got.header("x-penstock-shed-reason"), "queue_full");
    const auto seconds = std::stoll(got.header("retry-after").value_or("-1"));
    const auto milliseconds = std::stoll(got.header("retry-after-ms").value_or("-1"));
    EXPECT_GE(seconds, 1);
    EXPECT_LE(milliseconds, seconds * 1000);
    EXPECT_GT(milliseconds, (seconds - 1) * 1000);
    EXPECT_TRUE(got.header("x-penstock-predicted-wait-ms"));
    EXPECT_EQ(got.header("x-should-retry"), std::nullopt);
    // Bulk has a queue of its own.
    test_client bulk(g->port());
    bulk.send(chat_request({}, {{"x-penstock-class", "bulk"}}));
    ASSERT_TRUE(eventually([&] { return g->waiting() == 3; }));
    allowed->store(everything);
    EXPECT_EQ(holder->read_response().status, 200);
    for (auto& each : waiting)
        EXPECT_EQ(each->read_response().status, 200);
    EXPECT_EQ(bulk.read_response().status, 200);
    EXPECT_TRUE(g->comes_to_rest());
}

TEST_F(busy_model, refuses_at_once_whom_will_not_wait) {
    occupy();
    const auto got = g->ask(chat_request({}, {{"x-penstock-no-queue", "true"}}));
    EXPECT_EQ(got.status, 503);
    EXPECT_EQ(got.header("x-penstock-shed-reason"), "would_queue");
    EXPECT_TRUE(got.header("retry-after-ms"));
    EXPECT_EQ(g->waiting(), 0);
}

TEST_F(busy_model, refuses_after_the_classes_time) {
    occupy("classes: {realtime: {timeout: 100ms}}\n");
    const auto asked = test::clock::now();
    const auto got = g->ask(chat_request());
    EXPECT_EQ(got.status, 503);
    EXPECT_GE(test::clock::now() - asked, 100ms);
    EXPECT_EQ(got.header("x-penstock-shed-reason"), "queue_timeout");
    EXPECT_EQ(g->log(0)["verdict"], "expired");
    EXPECT_GE(g->log(0).number("queue_ms"), 100);
}

TEST_F(busy_model, serves_realtime_before_bulk_and_each_in_order) {
    occupy();
    std::vector<std::unique_ptr<test_client>> clients;
    for (const auto& [klass, seed] :
         headers{{"bulk", "1"}, {"bulk", "2"}, {"realtime", "3"}, {"realtime", "4"}}) {
        clients.push_back(std::make_unique<test_client>(g->port()));
        clients.back()->send(chat_request(",\"seed\":" + seed, {{"x-penstock-class", klass}}));
        ASSERT_TRUE(eventually([&] { return g->waiting() == static_cast<double>(clients.size()); })
        );
    }
    allowed->store(everything);
    for (auto& each : clients)
        EXPECT_EQ(each->read_response().status, 200);
    std::string order;
    for (const auto& each : upstream.requests())
        if (const auto at = each.body.find("\"seed\":"); at != std::string::npos)
            order += each.body[at + 7];
    EXPECT_EQ(order, "3412");
}

TEST_F(busy_model, tells_how_long_a_request_waited) {
    occupy();
    test_client waits(g->port());
    waits.send(chat_request());
    ASSERT_TRUE(eventually([&] { return g->waiting() == 1; }));
    EXPECT_TRUE(waits.is_quiet_for(60ms));
    allowed->store(everything);
    const auto got = waits.read_response();
    EXPECT_GE(std::stoi(got.header("x-penstock-queue-ms").value_or("0")), 60);
}

TEST(admission, spreads_requests_over_replicas) {
    const auto allowed = nothing_yet();
    const auto script = [&](const auto&) { return test::held(test::chat("a"), allowed); };
    scripted_upstream a(script), b(script), c(script);
    running_gateway g(chat_model({replica_of(a), replica_of(b), replica_of(c)}));
    std::vector<std::unique_ptr<test_client>> clients;
    for (int i = 0; i < 9; ++i) {
        clients.push_back(std::make_unique<test_client>(g.port()));
        clients.back()->send(chat_request());
    }
    ASSERT_TRUE(eventually([&] {
        return a.num_requests() + b.num_requests() + c.num_requests() == 9;
    }));
    EXPECT_EQ(a.num_requests(), 3u);
    EXPECT_EQ(b.num_requests(), 3u);
    allowed->store(everything);
    for (auto& each : clients)
        EXPECT_EQ(each->read_response().status, 200);
}

}  // namespace
}  // namespace penstock::gateway
