// What an attempt changes in a request's bytes, and that nothing else is changed.
#include "gateway/running_gateway.hpp"

#include <gmock/gmock.h>

namespace penstock::gateway {
namespace {

// What arrives upstream of `body`, sent to a model with these further members.
std::string upstream_gets(const std::string& body, std::string_view model_members) {
    scripted_upstream upstream([](const auto&) { return test::chat_stream({"a"}); });
    running_gateway g(chat_model(upstream, model_members));
    const auto answer = g.ask(test::post(chat_path, body));
    EXPECT_EQ(answer.status, 200) << answer.body;
    if (upstream.num_requests() != 1) return "nothing";
    const auto got = upstream.requests()[0];
    EXPECT_EQ(got.header("content-length"), std::to_string(got.body.size()));
    return got.body;
}

TEST(edits, put_the_upstreams_name_of_the_model_in_place) {
    EXPECT_EQ(
        upstream_gets(
            R"({"big":9007199254740993, "model" : "chat" ,"x":1E-07,"messages":[]})",
            ", upstream_model: Qwen/Qwen2.5-32B"
        ),
        R"({"big":9007199254740993, "model" : "Qwen/Qwen2.5-32B" ,"x":1E-07,"messages":[]})"
    );
}

TEST(edits, leave_a_name_alone_that_is_the_upstreams_own) {
    const std::string body = R"({"messages":[], "model":"ch\u0061t"})";
    EXPECT_EQ(upstream_gets(body, ", upstream_model: chat"), body);
}

TEST(edits, replace_an_alias) {
    EXPECT_EQ(
        upstream_gets(R"({"model":"gpt-4o","messages":[]})", ", aliases: [gpt-4o]"),
        R"({"model":"chat","messages":[]})"
    );
}

TEST(edits, add_include_usage_to_a_stream) {
    EXPECT_EQ(
        upstream_gets(R"({"model":"chat","stream":true,"messages":[]})", ""),
        R"({"stream_options":{"include_usage":true},"model":"chat","stream":true,"messages":[]})"
    );
    EXPECT_EQ(
        upstream_gets(
            R"({"model":"chat","stream":true,"stream_options":{"include_usage": false},)"
            R"("messages":[]})",
            ""
        ),
        R"({"model":"chat","stream":true,"stream_options":{"include_usage": true},"messages":[]})"
    );
}

TEST(edits, leave_a_stream_alone_whose_client_asks_for_usage) {
    const std::string body = chat_body(streamed_with_usage);
    EXPECT_EQ(upstream_gets(body, ""), body);
}

TEST(edits, clamp_every_spelling_of_the_maximum_and_leave_smaller_ones) {
    EXPECT_EQ(
        upstream_gets(
            R"({"model":"chat","max_tokens":  5000 ,"max_completion_tokens":99,"messages":[]})",
            ", max_tokens: 100"
        ),
        R"({"model":"chat","max_tokens":  5000 ,"max_completion_tokens":99,"messages":[]})"
    ) << "the smallest counts, and it is below the cap";
    EXPECT_EQ(
        upstream_gets(
            R"({"model":"chat","max_tokens":  5000 ,"max_completion_tokens":101,"messages":[]})",
            ", max_tokens: 100"
        ),
        R"({"model":"chat","max_tokens":  100 ,"max_completion_tokens":100,"messages":[]})"
    );
}

TEST(edits, add_the_cap_where_the_client_said_nothing) {
    EXPECT_EQ(
        upstream_gets(R"({"model":"chat","messages":[]})", ", max_tokens: 100"),
        R"({"max_tokens":100,"model":"chat","messages":[]})"
    );
}

TEST(edits, refuse_what_is_over_a_strict_cap) {
    scripted_upstream upstream;
    running_gateway g(chat_model(upstream, ", max_tokens: 100, over_cap: refuse"));
    const auto answer = g.ask(chat_request(R"(,"max_tokens":101)"));
    EXPECT_EQ(answer.status, 400);
    EXPECT_THAT(answer.body, testing::HasSubstr(R"("param":"max_tokens")"));
    EXPECT_EQ(g.ask(chat_request(R"(,"max_tokens":100)")).status, 200);
    EXPECT_EQ(upstream.num_requests(), 1u);
}

TEST(edits, take_out_what_only_litellm_understands) {
    EXPECT_EQ(
        upstream_gets(
            R"({"num_retries":3, "model":"chat", "user":"u","metadata":{"a":1},"priority":2,)"
            R"("messages":[],"fallbacks":["a","b"] , "litellm_session_id":"s"})",
            ""
        ),
        R"({ "model":"chat", "user":"u","metadata":{"a":1},"priority":2,"messages":[] })"
    );
}

TEST(edits, of_all_kinds_meet_in_one_body) {
    EXPECT_EQ(
        upstream_gets(
            R"({ "model" : "chat","num_retries":3,"stream":true,"messages":[],)"
            R"("max_tokens":7000,"x":9007199254740993e0})"
            "\n",
            ", upstream_model: m, max_tokens: 50"
        ),
        R"({"stream_options":{"include_usage":true}, "model" : "m","stream":true,)"
        R"("messages":[],"max_tokens":50,"x":9007199254740993e0})"
        "\n"
    );
}

TEST(edits, are_made_anew_for_each_attempt) {
    scripted_upstream first([](const auto&) { return test::failure(500); });
    scripted_upstream second;
    running_gateway g(chat_model(
        {replica_of(first, ", upstream_model: one-name"), replica_of(second, ", upstream_model: b")}
    ));
    while (first.num_requests() == 0)
        ASSERT_EQ(g.ask(chat_request()).status, 200);
    EXPECT_THAT(first.requests()[0].body, testing::StartsWith(R"({"model":"one-name",)"));
    for (const auto& each : second.requests())
        EXPECT_EQ(each.body, R"({"model":"b","messages":[{"role":"user","content":"hello"}]})");
}

}  // namespace
}  // namespace penstock::gateway
