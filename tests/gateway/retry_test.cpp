// Attempts that failed: what is tried elsewhere, how often, and what counts against a replica.
#include "gateway/running_gateway.hpp"

#include <gmock/gmock.h>

namespace penstock::gateway {
namespace {

using test::answer;
using testing::HasSubstr;
using testing::Not;

// The bad replica comes first: with equal load the first of the pool is taken.
std::string pair_of(const scripted_upstream& bad, const scripted_upstream& good) {
    return chat_model({replica_of(bad), replica_of(good)});
}

// Asks until `bad` was tried, at least once; the answer of that request.
test::response ask_until_tried(
    running_gateway& g, const scripted_upstream& bad, std::string_view more = {}
) {
    test::response got;
    for (int i = 0; i < 20 && bad.num_requests() == 0; ++i)
        got = g.ask(chat_request(more));
    EXPECT_EQ(bad.num_requests(), 1u);
    return got;
}

TEST(retry, goes_elsewhere_when_a_connection_is_refused) {
    scripted_upstream bad, good;
    running_gateway g(pair_of(bad, good));
    bad.stop_listening();
    bad.drop_connections(test::cut_by::fin);
    for (int i = 0; i < 3; ++i) {
        const auto got = g.ask(chat_request());
        EXPECT_EQ(got.status, 200);
        EXPECT_EQ(got.header("x-penstock-replica"), "chat/default/default/r1");
    }
    EXPECT_EQ(good.num_requests(), 3u);
    EXPECT_GE(g.metric(R"(penstock_retries_total{model="chat",reason="connection_refused"})"), 1);
}

TEST(retry, is_a_502_when_nobody_else_is_there) {
    scripted_upstream bad;
    running_gateway g(chat_model(bad));
    bad.stop_listening();
    const auto got = g.ask(chat_request());
    EXPECT_EQ(got.status, 502);
    EXPECT_THAT(got.body, HasSubstr(R"("code":"upstream_unreachable")"));
    EXPECT_THAT(got.body, Not(HasSubstr("127.0.0.1"))) << "no upstream address";
    EXPECT_EQ(g.log(0)["verdict"], "upstream_error");
}

TEST(retry, goes_elsewhere_when_a_connection_breaks_before_an_answer) {
    for (const auto how : {test::cut_by::fin, test::cut_by::rst}) {
        scripted_upstream bad([&](const auto&) {
            answer what;
            what.cut_before_head = true;
            what.cut = how;
            return what;
        });
        scripted_upstream good;
        running_gateway g(pair_of(bad, good));
        const auto got = ask_until_tried(g, bad);
        EXPECT_EQ(got.status, 200);
        EXPECT_EQ(got.header("x-penstock-attempts"), "2");
    }
}

TEST(retry, goes_elsewhere_after_a_5xx_and_after_no_http_at_all) {
    answer garbage, half;
    garbage.raw = "SSH-2.0-OpenSSH_9.2\r\n\r\n";
    half.raw = "HTTP/1.1 200 OK\r\nContent-Le";
    half.then = test::afterwards::close;
    answer two_lengths;
    two_lengths.raw = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na";
    for (const auto& what :
         {test::failure(500), test::failure(502), test::failure(504), garbage, half, two_lengths}) {
        scripted_upstream bad([&](const auto&) { return what; });
        scripted_upstream good;
        running_gateway g(pair_of(bad, good));
        EXPECT_EQ(ask_until_tried(g, bad).status, 200) << what.status << what.raw;
    }
}

TEST(retry, never_happens_once_an_answer_has_begun) {
    answer cut = test::json(std::string(100, 'x'));
    cut.cut_after = 50;
    scripted_upstream bad([&](const auto&) { return cut; });
    scripted_upstream good;
    running_gateway g(pair_of(bad, good));
    const auto got = ask_until_tried(g, bad);
    EXPECT_EQ(got.status, 200);
    EXPECT_FALSE(got.whole) << "the client must not take it for the whole";
    EXPECT_TRUE(got.reset);
    EXPECT_EQ(got.body, std::string(50, 'x'));
}

TEST(retry, of_an_overloaded_replica_happens_elsewhere_once_and_is_no_failure) {
    for (const int status : {429, 503, 529}) {
        scripted_upstream bad([&](const auto&) { return test::busy(status, 1); });
        scripted_upstream good;
        running_gateway g(
            "retry: {attempts: 1}\nhealth: {breaker: {failures: 1, open_for: 1h}}\n" +
            pair_of(bad, good)
        );
        EXPECT_EQ(ask_until_tried(g, bad).status, 200) << "even where nothing is retried";
        const auto body = g.ask(test::get("/health")).body;
        EXPECT_THAT(body, HasSubstr(R"("unhealthy_count":0)")) << "its breaker is closed";
    }
}

TEST(retry, of_overloaded_replicas_ends_after_the_second) {
    std::vector<std::unique_ptr<scripted_upstream>> busy;
    std::vector<std::string> replicas;
    for (int i = 0; i < 4; ++i) {
        busy.push_back(std::make_unique<scripted_upstream>([](const auto&) {
            return test::busy(429, 7);
        }));
        replicas.push_back(replica_of(*busy.back()));
    }
    running_gateway g(chat_model(replicas));
    const auto got = g.ask(chat_request());
    EXPECT_EQ(got.status, 503);
    EXPECT_THAT(got.body, HasSubstr("upstream_overloaded"));
    EXPECT_EQ(got.header("retry-after"), "7") << "as the engine said";
    EXPECT_EQ(got.header("retry-after-ms"), "7000");
    std::size_t tried = 0;
    for (const auto& each : busy)
        tried += each->num_requests();
    EXPECT_EQ(tried, 2u);
}

TEST(retry, is_bounded_by_attempts) {
    std::vector<std::unique_ptr<scripted_upstream>> bad;
    std::vector<std::string> replicas;
    for (int i = 0; i < 5; ++i) {
        bad.push_back(std::make_unique<scripted_upstream>([](const auto&) {
            return test::failure(500);
        }));
        replicas.push_back(replica_of(*bad.back()));
    }
    for (const std::size_t attempts : {1, 3}) {
        const auto count = [&] {
            std::size_t tried = 0;
            for (const auto& each : bad)
                tried += each->num_requests();
            return tried;
        };
        const auto before = count();
        running_gateway g(
            "retry: {attempts: " + std::to_string(attempts) + "}\n" + chat_model(replicas)
        );
        const auto got = g.ask(chat_request());
        EXPECT_EQ(got.status, 502);
        EXPECT_EQ(count() - before, attempts);
        EXPECT_EQ(got.header("x-penstock-attempts"), std::to_string(attempts));
    }
}

TEST(retry, is_bounded_by_the_models_budget) {
    scripted_upstream bad([](const auto&) { return test::failure(500); });
    scripted_upstream worse([](const auto&) { return test::failure(500); });
    running_gateway g(
        "retry: {budget: 10%}\nhealth: {breaker: {failures: 1000000}, outlier: {min_requests: "
        "1000000}}\n" +
        pair_of(bad, worse)
    );
    for (int i = 0; i < 50; ++i)
        EXPECT_EQ(g.ask(chat_request()).status, 502);
    const auto retries = bad.num_requests() + worse.num_requests() - 50;
    EXPECT_GE(retries, 3u) << "the floor";
    EXPECT_LE(retries, 3u + 5u + 1u) << "a tenth of the requests above it";
}

TEST(retry, opens_the_breaker_after_failures_in_a_row_and_probes_once) {
    const auto allowed = nothing_yet();
    std::atomic<bool> well = false;
    scripted_upstream upstream([&](const auto&) {
        return well ? test::held(test::chat("a"), allowed) : test::failure(500);
    });
    running_gateway g(
        "retry: {attempts: 1}\nhealth: {breaker: {failures: 3, open_for: 100ms}}\n" +
        chat_model(upstream)
    );
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(g.ask(chat_request()).status, 502);
    EXPECT_EQ(g.ask(chat_request()).status, 503) << "open";
    EXPECT_EQ(upstream.num_requests(), 3u);
    EXPECT_THAT(g.ask(test::get("/health")).body, HasSubstr(R"("breaker_open":true)"));
    well = true;
    // Half open: one request goes through, the others do not.
    std::vector<std::unique_ptr<test_client>> clients;
    ASSERT_TRUE(eventually([&] {
        clients.push_back(std::make_unique<test_client>(g.port()));
        clients.back()->send(chat_request({}, {{"x-penstock-no-queue", "1"}}));
        return eventually([&] { return upstream.num_requests() == 4; }, 20ms);
    }));
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(g.ask(chat_request({}, {{"x-penstock-no-queue", "1"}})).status, 503);
    EXPECT_EQ(upstream.num_requests(), 4u);
    allowed->store(everything);
    EXPECT_TRUE(eventually([&] { return g.ask(chat_request()).status == 200; }));
    EXPECT_THAT(g.ask(test::get("/health")).body, HasSubstr(R"("breaker_open":false)"));
}

TEST(retry, ejects_a_replica_that_fails_too_often) {
    scripted_upstream flaky([](const auto& request) {
        return request.number % 3 == 2 ? test::chat("a") : test::failure(500);
    });
    scripted_upstream good;
    running_gateway g(
        "retry: {budget: 100%}\nhealth: {outlier: {min_requests: 5, failure_rate: 50%, eject_for: "
        "1h}}\n" +
        pair_of(flaky, good)
    );
    ASSERT_TRUE(eventually([&] {
        EXPECT_EQ(g.ask(chat_request()).status, 200) << "no client sees it";
        return g.metric(R"(penstock_upstream_state{model="chat",version="chat/default",)"
                        R"(pool="chat/default/default",replica="chat/default/default/r0",)"
                        R"(state="ejected"})") == 1;
    }));
    const auto tried = flaky.num_requests();
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(g.ask(chat_request()).status, 200);
    EXPECT_EQ(flaky.num_requests(), tried);
}

// ── reused connections ──────────────────────────────────────────────────────────────────────────

TEST(retry, hides_an_upstream_that_silently_closes_after_each_answer) {
    constexpr std::size_t count = is_sanitized ? 2'000 : 10'000;
    scripted_upstream upstream([](const auto&) {
        auto what = test::json("{}");
        what.then = test::afterwards::close;
        return what;
    });
    running_gateway g("threads: 1\n" + chat_model(upstream));
    test_client client(g.port());
    const std::string request = chat_request();
    for (std::size_t i = 0; i < count; ++i)
        ASSERT_EQ(client.exchange(request).status, 200) << i;
    EXPECT_EQ(upstream.num_requests(), count) << "and none twice";
}

TEST(retry, resends_once_on_a_fresh_connection_outside_of_the_budget) {
    // The second request of each connection is read, and the connection closed in its face.
    std::map<std::size_t, int> seen;
    std::mutex mutex;
    scripted_upstream upstream([&](const test::recorded& request) {
        const std::lock_guard held(mutex);
        answer what = test::json("{}");
        if (++seen[request.connection] == 1) return what;
        what.cut_before_head = true;
        return what;
    });
    running_gateway g("threads: 1\nretry: {attempts: 1, budget: 0%}\n" + chat_model(upstream));
    test_client client(g.port());
    for (int i = 0; i < 50; ++i)
        ASSERT_EQ(client.exchange(chat_request()).status, 200) << i;
    EXPECT_EQ(upstream.num_requests(), 50u + 49u);
    EXPECT_THAT(g.ask(test::get("/health")).body, HasSubstr(R"("unhealthy_count":0)"))
        << "not counted as a failure";
}

TEST(retry, does_not_resend_what_a_fresh_connection_broke) {
    scripted_upstream upstream([](const auto&) {
        answer what;
        what.cut_before_head = true;
        return what;
    });
    running_gateway g("retry: {attempts: 1}\n" + chat_model(upstream));
    EXPECT_EQ(g.ask(chat_request()).status, 502);
    EXPECT_EQ(upstream.num_requests(), 1u);
}

// ── what is the client's doing ──────────────────────────────────────────────────────────────────

TEST(retry, leaves_a_400_of_the_upstream_as_it_is) {
    const std::string body =
        R"( {"error":{"message":"temperature must be >= 0","code":9007199254740993}} )";
    for (const int status : {400, 409, 413, 422}) {
        scripted_upstream upstream([&](const auto&) { return test::json(body, status); });
        scripted_upstream other;
        running_gateway g("health: {breaker: {failures: 1}}\n" + pair_of(upstream, other));
        const auto got = ask_until_tried(g, upstream, status == 409 ? streamed : "");
        EXPECT_EQ(got.status, status);
        EXPECT_EQ(got.body, body);
        EXPECT_THAT(g.ask(test::get("/health")).body, HasSubstr(R"("unhealthy_count":0)"));
    }
}

TEST(retry, of_what_the_upstream_refuses_is_not_charged) {
    scripted_upstream upstream([](const auto&) { return test::failure(400); });
    running_gateway g(chat_model(upstream));
    EXPECT_EQ(g.ask(chat_request()).status, 400);
    EXPECT_EQ(g.log(0)["prompt"], "0");
    EXPECT_EQ(g.log(0)["verdict"], "refused");
    EXPECT_EQ(g.metric(R"(penstock_refusals_total{reason="other",model="chat"})"), -1);
}

TEST(retry, makes_a_502_of_what_is_our_own_fault_upstream) {
    for (const int status : {301, 401, 403, 404, 405}) {
        scripted_upstream upstream([&](const auto&) {
            return test::failure(status, "bad key sk-engine");
        });
        running_gateway g("health: {breaker: {failures: 1}}\n" + chat_model(upstream));
        const auto got = g.ask(chat_request());
        EXPECT_EQ(got.status, 502) << status;
        EXPECT_THAT(got.body, HasSubstr("upstream_rejected"));
        EXPECT_THAT(got.body, Not(HasSubstr("sk-engine")));
        EXPECT_EQ(got.header("x-should-retry"), "false");
        EXPECT_EQ(upstream.num_requests(), 1u);
        EXPECT_THAT(g.ask(test::get("/health")).body, HasSubstr(R"("unhealthy_count":0)"));
    }
}

class context_too_small : public testing::Test {
 protected:
    static answer too_long() {
        return test::json(
            R"({"error":{"message":"This model's maximum context length is 1024 tokens.",)"
            R"("code":"context_length_exceeded"}})",
            400
        );
    }
    static std::string three_pools(
        const scripted_upstream& small,
        const scripted_upstream& middle,
        const scripted_upstream& large
    ) {
        return "models: {chat: {pools: {small: {context: 1k, replicas: [" + replica_of(small) +
               "]}, middle: {context: 2k, replicas: [" + replica_of(middle) +
               "]}, large: {context: 4k, replicas: [" + replica_of(large) + "]}}}}\n";
    }
};

TEST_F(context_too_small, is_steered_to_the_next_pool_once) {
    scripted_upstream small([](const auto&) { return too_long(); }), middle, large;
    running_gateway g(three_pools(small, middle, large));
    const auto got = g.ask(chat_request());
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.header("x-penstock-pool"), "chat/default/middle");
    EXPECT_EQ(g.log(0)["pool"], "chat/default/middle");
    EXPECT_EQ(small.num_requests(), 1u);
    EXPECT_EQ(middle.num_requests(), 1u);
    EXPECT_TRUE(g.comes_to_rest());
}

TEST_F(context_too_small, in_the_next_pool_too_is_the_clients_answer) {
    scripted_upstream small([](const auto&) { return too_long(); });
    scripted_upstream middle([](const auto&) { return too_long(); });
    scripted_upstream large;
    running_gateway g(three_pools(small, middle, large));
    const auto got = g.ask(chat_request());
    EXPECT_EQ(got.status, 400);
    EXPECT_EQ(got.body, too_long().pieces[0]);
    EXPECT_EQ(large.num_requests(), 0u);
}

TEST_F(context_too_small, goes_to_the_pool_that_holds_it_at_once) {
    scripted_upstream small, middle, large;
    running_gateway g(three_pools(small, middle, large));
    const std::string words(6000, 'x');
    const auto body =
        R"({"model":"chat","max_tokens":1500,"messages":[{"role":"user","content":"hi"}]})";
    EXPECT_EQ(g.ask(test::post(chat_path, body)).header("x-penstock-pool"), "chat/default/middle");
    EXPECT_EQ(small.num_requests(), 0u);
}

TEST_F(context_too_small, for_certain_is_refused_without_asking) {
    scripted_upstream small, middle, large;
    running_gateway g(three_pools(small, middle, large));
    std::string words;
    for (int i = 0; i < 20'000; ++i)
        words += "word" + std::to_string(i) + " ";
    const auto got = g.ask(test::post(
        chat_path, R"({"model":"chat","messages":[{"role":"user","content":")" + words + "\"}]}"
    ));
    EXPECT_EQ(got.status, 400);
    EXPECT_THAT(got.body, HasSubstr(R"("code":"context_length_exceeded")"));
    EXPECT_THAT(got.body, HasSubstr(R"("param":"messages")"));
    EXPECT_THAT(got.body, HasSubstr("4096"));
}

}  // namespace
}  // namespace penstock::gateway
