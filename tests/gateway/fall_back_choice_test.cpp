// Which other model serves, who may use it, and the traces that it leaves.
#include "gateway/fall_back_rig.hpp"

#include <gmock/gmock.h>

namespace penstock::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;

// ── to whom ─────────────────────────────────────────────────────────────────────────────────────

// sk-all
std::string key_for(const std::string& models) {
    return "keys: [{name: a, models: [" + models +
           "], sha256: a046e4925c1c5162e2a952bf81b903655ab1b77d52aac4b82b9c4ca26ad5f73e}]\n";
}
const headers by_key{{"x-api-key", "sk-all"}};

TEST(fall_back_choice, takes_the_first_that_can_in_the_order_of_the_settings) {
    scripted_upstream chat, b([](const auto&) { return test::failure(500); }), c;
    const auto yaml = [&](const std::string& order) {
        return models_of(
            {{"b", &b}, {"c", &c}, {"chat", &chat, out_of_service, ", fallbacks: " + order}}
        );
    };
    {
        running_gateway g(yaml("[b, c]"));
        EXPECT_EQ(g.ask(chat_request()).header("x-penstock-model"), "c");
        EXPECT_EQ(b.num_requests(), 1u);
        EXPECT_EQ(g.log(0)["detail"], "chat: no_replica; b: upstream_failed (status 500)");
        EXPECT_EQ(g.metric(R"(penstock_fallbacks_total{model="b",reason="upstream_failed"})"), 1);
    }
    running_gateway g(yaml("[c, b]"));
    EXPECT_EQ(g.ask(chat_request()).header("x-penstock-model"), "c");
    EXPECT_EQ(b.num_requests(), 1u);
}

TEST(fall_back_choice, passes_over_models_that_the_key_may_not_use) {
    scripted_upstream chat, b, c;
    const std::string models =
        models_of({{"b", &b}, {"c", &c}, {"chat", &chat, out_of_service, ", fallbacks: [b, c]"}});
    {
        running_gateway g(key_for("chat, c") + models);
        EXPECT_EQ(g.ask(chat_request({}, by_key)).header("x-penstock-model"), "c");
    }
    running_gateway g(key_for("chat") + models);
    const auto got = g.ask(chat_request({}, by_key));
    EXPECT_EQ(got.status, 503);
    EXPECT_THAT(got.body, HasSubstr("no_replica"));
    EXPECT_EQ(b.num_requests(), 0u);
}

TEST(fall_back_choice, passes_over_models_that_do_not_serve_the_route) {
    scripted_upstream chat, b, c;
    running_gateway g(models_of(
        {{"b", &b, ", serves: [/v1/embeddings]"},
         {"c", &c},
         {"chat", &chat, out_of_service, ", fallbacks: [b, c]"}}
    ));
    EXPECT_EQ(g.ask(chat_request()).header("x-penstock-model"), "c");
    EXPECT_EQ(g.metric(R"(penstock_fallbacks_total{model="b",reason="no_replica"})"), -1)
        << "it was never asked";
}

TEST(fall_back_choice, does_not_follow_the_fallbacks_of_a_fallback) {
    scripted_upstream chat, b, c;
    running_gateway g(models_of(
        {{"b", &b, out_of_service, ", fallbacks: [c, chat]"},
         {"c", &c},
         {"chat", &chat, out_of_service, ", fallbacks: [b]"}}
    ));
    EXPECT_EQ(g.ask(chat_request()).status, 503);
    EXPECT_EQ(c.num_requests(), 0u);
}

TEST(fall_back_choice, leaves_a_fallback_that_caps_its_answers_too_low_for_the_next) {
    scripted_upstream chat, b, c;
    running_gateway g(models_of(
        {{"b", &b, "", ", max_tokens: 10, over_cap: refuse"},
         {"c", &c},
         {"chat", &chat, out_of_service, ", fallbacks: [b, c]"}}
    ));
    EXPECT_EQ(g.ask(chat_request(R"(,"max_tokens":50)")).header("x-penstock-model"), "c");
}

// ── what is told and counted ────────────────────────────────────────────────────────────────────

TEST(fall_back_choice, tells_what_the_named_model_said_when_all_fail) {
    scripted_upstream chat, small([](const auto&) { return test::failure(500); });
    running_gateway g(chat_and_small(chat, small, out_of_service));
    const auto got = g.ask(chat_request());
    EXPECT_EQ(got.status, 503);
    EXPECT_THAT(got.body, HasSubstr("no_replica"));
    EXPECT_EQ(got.header("x-penstock-shed-reason"), "no_replica");
    EXPECT_NE(got.header("retry-after"), std::nullopt);
    const auto line = g.log(0);
    EXPECT_EQ(line["reason"], "no_replica");
    EXPECT_EQ(line["fell_back_to"], "small");
    EXPECT_EQ(line["detail"], "chat: no_replica; small: upstream_failed (status 500)");
    EXPECT_EQ(g.metric(R"(penstock_refusals_total{reason="no_replica",model="chat"})"), 1);
    EXPECT_TRUE(comes_to_rest(g));
}

TEST(fall_back_choice, ends_the_stream_that_comments_began_when_all_fail) {
    const allowance allowed = nothing_yet();
    scripted_upstream chat([&](const auto&) { return test::held(test::failure(500), allowed); });
    scripted_upstream small([](const auto&) { return test::failure(503); });
    running_gateway g("timeouts: {keepalive_after: 20ms}\n" + chat_and_small(chat, small));
    test_client client(g.port());
    client.send(chat_request(streamed));
    EXPECT_EQ(client.read_head().status, 200);
    allowed->store(everything);
    const std::string rest = client.read_rest();
    EXPECT_THAT(rest, HasSubstr("upstream_failed"));
    EXPECT_THAT(rest, Not(HasSubstr("upstream_overloaded")));
    EXPECT_THAT(rest, Not(HasSubstr("[DONE]")));
    EXPECT_TRUE(comes_to_rest(g));
}

TEST(fall_back_choice, counts_what_was_asked_of_the_named_model_and_what_was_done_of_the_other) {
    scripted_upstream chat, small([](const auto&) { return test::chat("a", 20, 30); });
    running_gateway g(chat_and_small(chat, small, out_of_service));
    EXPECT_EQ(g.ask(chat_request()).status, 200);
    EXPECT_EQ(g.log(0)["prompt"], "20");
    const auto of = [&](const std::string& family, const std::string& labels) {
        return g.metric("penstock_" + family + "{" + labels + "}");
    };
    EXPECT_EQ(of("requests_total", R"(route="/v1/chat/completions",model="chat",status="200")"), 1);
    EXPECT_EQ(of("tokens_total", R"(model="small",direction="output")"), 30);
    EXPECT_LE(of("tokens_total", R"(model="chat",direction="output")"), 0);
    EXPECT_EQ(of("request_duration_seconds_count", R"(model="small")"), 1);
}

TEST(fall_back_choice, teaches_the_model_that_served) {
    scripted_upstream chat, small([](const auto&) { return test::chat("a", 2000, 7); });
    const std::string text(4000, 'w');
    const auto ask = [&](const std::string& model) {
        return test::post(
            chat_path,
            R"({"model":")" + model + R"(","messages":[{"role":"user","content":")" + text + "\"}]}"
        );
    };
    running_gateway g("threads: 1\n" + chat_and_small(chat, small, out_of_service));
    for (int i = 0; i < 40; ++i)
        ASSERT_EQ(g.ask(ask("chat")).status, 200);
    ASSERT_EQ(g.ask(ask("small")).status, 200);
    EXPECT_GT(g.log(40).number("est_prompt"), 1.5 * g.log(0).number("est_prompt"));
    const double by_small = g.log(40).number("est_prompt");
    EXPECT_NEAR(g.log(39).number("est_prompt"), by_small, 0.05 * by_small)
        << "estimated by the model that served";
}

TEST(fall_back_choice, says_nothing_of_itself_when_headers_are_hidden) {
    scripted_upstream chat, small;
    running_gateway g("expose_headers: none\n" + chat_and_small(chat, small, out_of_service));
    const auto got = g.ask(chat_request());
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.header("x-penstock-model"), std::nullopt);
}

TEST(fall_back_choice, uses_the_settings_that_the_request_came_with) {
    const allowance allowed = nothing_yet();
    scripted_upstream chat([&](const auto&) { return test::held(test::failure(500), allowed); });
    scripted_upstream small;
    running_gateway g(chat_and_small(chat, small));
    test_client client(g.port());
    client.send(chat_request());
    ASSERT_TRUE(chat.wait_for_requests(1));
    ASSERT_TRUE(g.reload(models_of({{"chat", &chat}, {"small", &small}})));
    allowed->store(everything);
    EXPECT_EQ(client.read_response().header("x-penstock-model"), "small");
    EXPECT_EQ(g.ask(chat_request()).status, 502) << "the new ones have none";
    EXPECT_TRUE(comes_to_rest(g));
}

}  // namespace
}  // namespace penstock::gateway
