// Another model in place of one that is down, sheds or is too small: for what, and for what not.
#include "gateway/fall_back_rig.hpp"

#include <gmock/gmock.h>

namespace penstock::gateway {
namespace {

using test::answer;
using testing::HasSubstr;

// ── for what ────────────────────────────────────────────────────────────────────────────────────

TEST(fall_back, serves_by_another_model_when_every_replica_refuses_connections) {
    scripted_upstream chat, small;
    running_gateway g(chat_and_small(chat, small));
    chat.stop_listening();
    chat.drop_connections(test::cut_by::fin);
    const auto got = g.ask(chat_request());
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, all_of(test::chat("hello")));
    EXPECT_EQ(got.header("x-penstock-model"), "small");
    EXPECT_EQ(got.header("x-penstock-pool"), "small/default/default");
    EXPECT_EQ(got.header("x-penstock-attempts"), "2");
    const auto sent = small.requests().at(0);
    EXPECT_EQ(sent.body, R"({"model":"small","messages":[{"role":"user","content":"hello"}]})");
    EXPECT_EQ(fallbacks_of(g, "upstream_unreachable"), 1);
    EXPECT_TRUE(comes_to_rest(g));
}

TEST(fall_back, serves_by_another_model_when_no_replica_is_in_service) {
    scripted_upstream chat, small;
    running_gateway g(chat_and_small(chat, small, out_of_service));
    EXPECT_EQ(g.ask(chat_request(streamed)).status, 200);
    EXPECT_EQ(chat.num_requests(), 0u);
    const auto line = g.log(0);
    EXPECT_EQ(line["model"], "chat") << "what the client named";
    EXPECT_EQ(line["fell_back_to"], "small");
    EXPECT_EQ(line["version"], "small/default");
    EXPECT_THAT(line["replica"], HasSubstr("small/default/default/"));
    EXPECT_EQ(line["verdict"], "served");
    EXPECT_EQ(line["reason"], "");
    EXPECT_EQ(line["detail"], "chat: no_replica");
    EXPECT_EQ(line["attempts"], "1");
    EXPECT_EQ(fallbacks_of(g, "no_replica"), 1);
    EXPECT_TRUE(comes_to_rest(g));
}

TEST(fall_back, serves_by_another_model_when_the_first_sheds) {
    const allowance allowed = nothing_yet();
    scripted_upstream chat([&](const auto&) { return test::held(test::chat("a"), allowed); });
    scripted_upstream small;
    running_gateway g(
        "classes: {realtime: {pending: 0}}\n" + chat_and_small(chat, small, ", slots: 1")
    );
    test_client holder(g.port());
    holder.send(chat_request());
    ASSERT_TRUE(chat.wait_for_requests(1));
    EXPECT_EQ(g.ask(chat_request()).header("x-penstock-model"), "small");
    EXPECT_EQ(fallbacks_of(g, "queue_full"), 1);
    EXPECT_EQ(
        g.ask(chat_request({}, {{"x-penstock-no-queue", "1"}})).header("x-penstock-model"), "small"
    );
    EXPECT_EQ(fallbacks_of(g, "would_queue"), 1);
    allowed->store(everything);
    EXPECT_EQ(holder.read_response().header("x-penstock-model"), std::nullopt);
    EXPECT_TRUE(comes_to_rest(g));
}

TEST(fall_back, serves_by_another_model_after_a_wait_in_vain_and_counts_it_where_it_was) {
    const allowance allowed = nothing_yet();
    scripted_upstream chat([&](const auto&) { return test::held(test::chat("a"), allowed); });
    scripted_upstream small;
    running_gateway g(
        "classes: {realtime: {timeout: 50ms}}\n" + chat_and_small(chat, small, ", slots: 1")
    );
    test_client holder(g.port());
    holder.send(chat_request());
    ASSERT_TRUE(chat.wait_for_requests(1));
    const auto got = g.ask(chat_request());
    EXPECT_EQ(got.header("x-penstock-model"), "small");
    EXPECT_GE(g.log(0).number("queue_ms"), 50);
    EXPECT_EQ(fallbacks_of(g, "queue_timeout"), 1);
    const auto waited = [&](const std::string& model) {
        return g.metric(
            "penstock_queue_wait_seconds_sum{model=\"" + model + "\",class=\"realtime\"}"
        );
    };
    EXPECT_GE(waited("chat"), 0.05);
    EXPECT_LT(waited("small"), 0.05);
    allowed->store(everything);
    EXPECT_EQ(holder.read_response().status, 200);
}

TEST(fall_back, happens_when_the_attempts_of_a_model_have_failed) {
    for (const auto& [what, reason] :
         {std::pair{test::failure(500), "upstream_failed"},
          std::pair{test::busy(429, 1), "upstream_overloaded"},
          std::pair{test::error_event_first(), "upstream_failed"}}) {
        scripted_upstream chat([what = what](const auto&) { return what; }), small;
        running_gateway g(chat_and_small(chat, small));
        const auto got = g.ask(chat_request(streamed));
        EXPECT_EQ(got.status, 200) << reason;
        EXPECT_EQ(got.header("x-penstock-model"), "small") << reason;
        EXPECT_EQ(chat.num_requests(), 1u);
        EXPECT_EQ(fallbacks_of(g, reason), 1) << reason;
        EXPECT_TRUE(comes_to_rest(g));
    }
}

TEST(fall_back, costs_one_of_the_models_retries_when_an_engine_may_have_worked) {
    scripted_upstream chat([](const auto&) { return test::failure(500); });
    scripted_upstream small;
    running_gateway g("retry: {budget: 0%, attempts: 1}\n" + chat_and_small(chat, small));
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(g.ask(chat_request()).status, 200);
    EXPECT_EQ(g.ask(chat_request()).status, 502) << "three in ten seconds are granted at least";
    EXPECT_EQ(small.num_requests(), 3u);
}

TEST(fall_back, gives_each_model_its_own_attempts_and_no_more) {
    const auto fail = [](const auto&) { return test::failure(500); };
    scripted_upstream a(fail), b(fail), c(fail), d(fail);
    running_gateway g(
        "retry: {attempts: 2}\nmodels:\n  chat: {fallbacks: [small], replicas: [" + replica_of(a) +
        ", " + replica_of(b) + "]}\n  small: {replicas: [" + replica_of(c) + ", " + replica_of(d) +
        "]}\n"
    );
    const auto got = g.ask(chat_request());
    EXPECT_EQ(got.status, 502);
    EXPECT_EQ(got.header("x-penstock-attempts"), "4");
    for (const auto* each : {&a, &b, &c, &d})
        EXPECT_EQ(each->num_requests(), 1u);
    EXPECT_TRUE(comes_to_rest(g));
}

TEST(fall_back, carries_the_facts_and_the_edits_of_the_model_that_serves) {
    scripted_upstream chat, small;
    running_gateway g(models_of(
        {{"chat", &chat, out_of_service, ", max_tokens: 500, fallbacks: [small]"},
         {"small", &small, "", ", max_tokens: 100, upstream_model: tiny"}}
    ));
    const auto got = g.ask(chat_request(R"(,"max_tokens":300)"));
    EXPECT_EQ(got.header("x-penstock-max-tokens"), "100");
    EXPECT_EQ(
        small.requests().at(0).body,
        R"({"model":"tiny","messages":[{"role":"user","content":"hello"}],"max_tokens":100})"
    );
    EXPECT_EQ(g.log(0)["max_tokens"], "100");
}

// ── a context that is too small ─────────────────────────────────────────────────────────────────

std::string long_request() {
    std::string words;
    for (int i = 0; i < 20'000; ++i)
        words += "word" + std::to_string(i) + " ";
    return test::post(
        chat_path, R"({"model":"chat","messages":[{"role":"user","content":")" + words + "\"}]}"
    );
}

answer too_long() {
    return test::json(
        R"({"error":{"message":"This model's maximum context length is 1024 tokens.",)"
        R"("code":"context_length_exceeded"}})",
        400
    );
}

TEST(fall_back, serves_by_a_larger_model_what_no_pool_can_hold_for_certain) {
    scripted_upstream chat, small;
    running_gateway g(
        models_of({{"chat", &chat, "", ", context: 1k, fallbacks: [small]"}, {"small", &small}})
    );
    EXPECT_EQ(g.ask(long_request()).header("x-penstock-model"), "small");
    EXPECT_EQ(chat.num_requests(), 0u);
    EXPECT_EQ(fallbacks_of(g, "context_length_exceeded"), 1);
}

TEST(fall_back, serves_by_a_larger_model_what_the_engine_of_the_largest_pool_says_is_too_long) {
    scripted_upstream chat([](const auto&) { return too_long(); }), small;
    running_gateway g(chat_and_small(chat, small));
    EXPECT_EQ(g.ask(chat_request()).header("x-penstock-model"), "small");
    EXPECT_EQ(fallbacks_of(g, "context_length_exceeded"), 1);
    EXPECT_THAT(g.ask(test::get("/health")).body, HasSubstr(R"("unhealthy_count":0)"));
    EXPECT_TRUE(comes_to_rest(g));
}

TEST(fall_back, serves_by_a_larger_model_what_was_too_long_for_the_next_pool_too) {
    scripted_upstream small([](const auto&) { return too_long(); });
    scripted_upstream large([](const auto&) { return too_long(); });
    scripted_upstream other;
    running_gateway g(
        "models:\n  chat: {fallbacks: [other], pools: {small: {context: 1k, replicas: [" +
        replica_of(small) + "]}, large: {context: 2k, replicas: [" + replica_of(large) +
        "]}}}\n  other: {pools: {one: {context: 1k, replicas: [" + replica_of(other) + "]}}}\n"
    );
    const auto got = g.ask(chat_request());
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.header("x-penstock-pool"), "other/default/one");
    EXPECT_EQ(got.header("x-penstock-attempts"), "3");
    EXPECT_TRUE(g.comes_to_rest());
}

TEST(fall_back, serves_by_a_larger_model_after_comments_have_begun_the_stream) {
    const allowance allowed = nothing_yet();
    scripted_upstream chat([&](const auto&) { return test::held(too_long(), allowed); });
    scripted_upstream small([](const auto&) { return test::chat_stream({"a"}); });
    running_gateway g("timeouts: {keepalive_after: 20ms}\n" + chat_and_small(chat, small));
    test_client client(g.port());
    client.send(chat_request(streamed));
    EXPECT_EQ(client.read_head().status, 200);
    allowed->store(everything);
    EXPECT_THAT(client.read_rest(), HasSubstr("[DONE]"));
    EXPECT_EQ(g.log(0)["fell_back_to"], "small");
    EXPECT_EQ(g.log(0)["verdict"], "served");
}

TEST(fall_back, leaves_an_engines_own_words_where_no_other_model_may_be_asked) {
    scripted_upstream chat([](const auto&) { return too_long(); }), small;
    running_gateway g(chat_and_small(chat, small));
    const auto got = g.ask(chat_request({}, no_fallback));
    EXPECT_EQ(got.status, 400);
    EXPECT_EQ(got.body, too_long().pieces[0]);
    EXPECT_EQ(small.num_requests(), 0u);
}

// ── for what not ────────────────────────────────────────────────────────────────────────────────

TEST(fall_back, is_forbidden_by_a_header) {
    scripted_upstream chat, small;
    running_gateway g(chat_and_small(chat, small, out_of_service));
    const auto got = g.ask(chat_request({}, no_fallback));
    EXPECT_EQ(got.status, 503);
    EXPECT_THAT(got.body, HasSubstr("no_replica"));
    EXPECT_EQ(got.header("x-penstock-model"), std::nullopt);
    EXPECT_EQ(small.num_requests(), 0u);
    EXPECT_EQ(g.log(0)["fell_back_to"], "");
    EXPECT_EQ(g.log(0)["detail"], "");
}

TEST(fall_back, is_not_for_what_the_client_did_wrong) {
    scripted_upstream chat([](const auto&) { return test::failure(400); }), small;
    running_gateway g(models_of(
        {{"chat", &chat, "", ", max_tokens: 100, over_cap: refuse, fallbacks: [small]"},
         {"small", &small}}
    ));
    EXPECT_EQ(g.ask(chat_request()).status, 400) << "the engine's own";
    EXPECT_EQ(g.ask(chat_request(R"(,"max_tokens":101)")).status, 400);
    EXPECT_EQ(g.ask(chat_request(R"(,"model":"chat")")).status, 400);
    EXPECT_EQ(small.num_requests(), 0u);
}

TEST(fall_back, is_not_for_what_an_engine_refuses_the_gateway) {
    scripted_upstream chat([](const auto&) { return test::failure(401); }), small;
    running_gateway g(chat_and_small(chat, small));
    EXPECT_EQ(g.ask(chat_request()).status, 502);
    EXPECT_EQ(small.num_requests(), 0u);
}

TEST(fall_back, never_happens_once_an_answer_has_begun) {
    answer cut = test::json(std::string(100, 'x'));
    cut.cut_after = 50;
    scripted_upstream chat([&](const auto& request) {
        return request.body.find("stream") == std::string::npos ? cut
                                                                : test::error_event_after({"a"});
    });
    scripted_upstream small;
    running_gateway g(chat_and_small(chat, small));
    EXPECT_FALSE(g.ask(chat_request()).whole);
    EXPECT_EQ(g.ask(chat_request(streamed)).status, 200);
    EXPECT_EQ(g.log(1)["verdict"], "upstream_error");
    EXPECT_EQ(small.num_requests(), 0u);
    EXPECT_TRUE(comes_to_rest(g));
}

TEST(fall_back, is_not_for_a_client_that_has_left) {
    const allowance allowed = nothing_yet();
    scripted_upstream chat([&](const auto&) { return test::held(test::chat("a"), allowed); });
    scripted_upstream small;
    running_gateway g(chat_and_small(chat, small));
    {
        test_client client(g.port());
        client.send(chat_request());
        ASSERT_TRUE(chat.wait_for_requests(1));
    }
    EXPECT_EQ(g.log(0)["verdict"], "client_gone");
    EXPECT_EQ(g.log(0)["fell_back_to"], "");
    EXPECT_EQ(small.num_requests(), 0u);
    allowed->store(everything);
    EXPECT_TRUE(comes_to_rest(g));
}

TEST(fall_back, leaves_the_queue_of_the_fallback_with_its_client) {
    const allowance allowed = nothing_yet();
    scripted_upstream chat;
    scripted_upstream small([&](const auto&) { return test::held(test::chat("a"), allowed); });
    running_gateway g(chat_and_small(chat, small, out_of_service, ", slots: 1"));
    test_client holder(g.port());
    holder.send(chat_request());
    ASSERT_TRUE(small.wait_for_requests(1));
    {
        test_client client(g.port());
        client.send(chat_request());
        ASSERT_TRUE(eventually([&] { return g.waiting("small") == 1; }));
    }
    EXPECT_EQ(g.log(0)["verdict"], "client_gone");
    EXPECT_EQ(g.log(0)["status"], "499") << "and not what the first model said";
    allowed->store(everything);
    EXPECT_EQ(holder.read_response().status, 200);
    EXPECT_TRUE(comes_to_rest(g));
}

}  // namespace
}  // namespace penstock::gateway
