// What answers teach, and which pool a request is given for it.
#include "gateway/running_gateway.hpp"

#include <gmock/gmock.h>

namespace penstock::gateway {
namespace {

using test::recorded;
using testing::HasSubstr;

std::string body_of(std::string_view text, std::string_view more = {}) {
    return R"({"model":"chat","messages":[{"role":"user","content":")" + std::string(text) +
           "\"}]" + std::string(more) + "}";
}

std::string say(std::string_view text, std::string_view more = {}, const headers& lines = {}) {
    return test::post(chat_path, body_of(text, more), lines);
}

// So many bytes of words.
std::string words(std::size_t bytes) {
    std::string text;
    for (std::size_t i = 0; text.size() < bytes; ++i)
        text += "word" + std::to_string(i) + ' ';
    text.resize(bytes);
    return text;
}

headers session(std::string_view name) {
    return {{"x-penstock-session", std::string(name)}};
}

// ── what is learned ─────────────────────────────────────────────────────────────────────────────

TEST(learning, moves_the_estimate_of_the_next_prompt_and_its_error) {
    scripted_upstream upstream([](const auto&) { return test::chat("a", 2000, 7); });
    running_gateway g("threads: 1\n" + chat_model(upstream));
    for (int i = 0; i < 60; ++i)
        ASSERT_EQ(g.ask(say(words(4000))).status, 200);
    EXPECT_NEAR(g.log(0).number("est_prompt"), 1005, 1);
    EXPECT_NEAR(g.log(0).number("est_error"), 503, 1);
    EXPECT_NEAR(g.log(59).number("est_prompt"), 2000, 60);
    EXPECT_LT(g.log(59).number("est_error"), 800);
}

TEST(learning, moves_the_expected_output) {
    scripted_upstream upstream([](const auto&) { return test::chat("a", 10, 3000); });
    running_gateway g("threads: 1\n" + chat_model(upstream));
    for (int i = 0; i < 25; ++i)
        ASSERT_EQ(g.ask(chat_request()).status, 200);
    ASSERT_EQ(g.ask(chat_request(R"(,"n":2,"max_tokens":500)")).status, 200);
    EXPECT_EQ(g.log(0).number("est_output"), 256);
    EXPECT_NEAR(g.log(24).number("est_output"), 3000, 1000);
    EXPECT_EQ(g.log(25).number("est_output"), 1000);
}

TEST(learning, takes_the_usage_of_a_stream_that_was_hidden_from_its_client) {
    scripted_upstream upstream([](const auto&) {
        return test::chat_stream({"a", "b"}, std::pair{2000, 3000});
    });
    running_gateway g("threads: 1\n" + chat_model(upstream));
    for (int i = 0; i < 40; ++i)
        ASSERT_EQ(g.ask(say(words(4000), streamed)).status, 200);
    EXPECT_GT(g.log(39).number("est_prompt"), 1800);
    EXPECT_GT(g.log(39).number("est_output"), 2000);
}

TEST(learning, takes_nothing_from_answers_without_usage_or_that_broke) {
    scripted_upstream upstream([](const recorded& r) {
        if (r.number % 2 == 0) return test::chat_stream({"a", "b"});
        auto torn = test::chat_stream({"a", "b"}, std::pair{2000, 3000});
        torn.pieces.pop_back();
        torn.framed = test::framing::chunked;
        torn.cut_after = 200;
        return torn;
    });
    running_gateway g("threads: 1\nhealth: {breaker: {failures: 1000}}\n" + chat_model(upstream));
    for (int i = 0; i < 12; ++i)
        g.ask(say(words(4000), streamed));
    EXPECT_NEAR(g.log(11).number("est_prompt"), 1005, 1);
    EXPECT_EQ(g.log(11).number("est_output"), 256);
}

TEST(learning, outlives_a_reload) {
    scripted_upstream upstream([](const auto&) { return test::chat("a", 2000, 7); });
    running_gateway g("threads: 1\n" + chat_model(upstream));
    for (int i = 0; i < 30; ++i)
        ASSERT_EQ(g.ask(say(words(4000))).status, 200);
    ASSERT_TRUE(g.reload("threads: 1\n" + chat_model(upstream, ", max_tokens: 999")));
    std::optional<log_line> last;
    ASSERT_TRUE(eventually([&] {
        g.ask(say(words(4000)));
        const auto lines = g.log();
        if (!lines.empty()) last = lines.back();
        return last && (*last)["max_tokens"] == "999";
    }));
    EXPECT_GT(last->number("est_prompt"), 1800);
}

TEST(estimate, is_the_same_of_russian_as_it_stands_and_escaped) {
    scripted_upstream short_one, long_one;
    running_gateway g(
        "threads: 1\nmodels: {chat: {pools: {short: {context: 2k, replicas: [" +
        replica_of(short_one) + "]}, long: {context: 8k, replicas: [" + replica_of(long_one) +
        "]}}}}\n"
    );
    std::string plain, escaped;
    for (int i = 0; i < 400; ++i) {
        plain += "Привет ";
        escaped += R"(\u041f\u0440\u0438\u0432\u0435\u0442 )";
    }
    // The first teaches the second nothing: another conversation, and a usage that nothing
    // explains.
    const auto a = g.ask(say(plain, {}, session("a")));
    const auto b = g.ask(say(escaped, {}, session("b")));
    EXPECT_EQ(a.header("x-penstock-pool"), "chat/default/short");
    EXPECT_EQ(b.header("x-penstock-pool"), "chat/default/short");
    EXPECT_EQ(g.log(0)["est_prompt"], g.log(1)["est_prompt"]);
    EXPECT_LT(g.log(1).number("est_prompt"), 1200) << "by its bytes as they came it were 3 700";
    EXPECT_GT(g.log(1).number("bytes_in"), 2 * g.log(0).number("bytes_in"));
}

// ── pools ───────────────────────────────────────────────────────────────────────────────────────

// keys: sk-anna of tenant a, sk-bert of tenant b.
constexpr std::string_view two_keys =
    "keys:\n"
    "  - {name: anna, tenant: a, sha256: "
    "6cb9b97054a7581b061237873eaaf81333879847f2769ca5d6b9b59b9618a213}\n"
    "  - {name: bert, tenant: b, sha256: "
    "0834d730019163325c969f3aef3fa0077964468ea76fc46b30899b2ef9a82b82}\n";

headers with_key(std::string_view key, headers more = {}) {
    more.emplace_back("Authorization", "Bearer " + std::string(key));
    return more;
}

class two_pools : public testing::Test {
 protected:
    // `one` and `two`: further members of the pools, as "classes: [bulk], ".
    std::string settings(
        std::string_view one = {}, std::string_view two = {}, std::string_view model = {}
    ) const {
        return "models: {chat: {" + std::string(model) + "pools: {short: {context: 1k, " +
               std::string(one) + "replicas: [" + replica_of(small, ", slots: 1") +
               "]}, long: {context: 8k, " + std::string(two) + "replicas: [" +
               replica_of(large, ", slots: 4") + "]}}}}\n";
    }
    static std::string pool(const test::response& of) {
        return of.header("x-penstock-pool").value_or("none");
    }

    const std::string short_pool = "chat/default/short", long_pool = "chat/default/long";
    allowance allowed = nothing_yet();
    // Answers are held while a test says so.
    std::atomic<bool> is_held{false};
    scripted_upstream::script script = [this](const recorded&) {
        return is_held ? test::held(test::chat("a"), allowed) : test::chat("a", 1000, 7);
    };
    scripted_upstream small{script}, large{script};
};

TEST_F(two_pools, keep_a_conversation_that_has_outgrown_the_short_one_in_the_long) {
    running_gateway g(settings());
    EXPECT_EQ(pool(g.ask(say("hi", {}, session("s")))), short_pool);
    EXPECT_EQ(pool(g.ask(say(words(6000), {}, session("s")))), long_pool);
    EXPECT_EQ(pool(g.ask(say("hi", {}, session("s")))), long_pool);
    EXPECT_EQ(pool(g.ask(say("hi", {}, session("t")))), short_pool);
}

TEST_F(two_pools, are_not_confused_by_a_prompt_that_only_begins_alike) {
    running_gateway g(settings());
    const std::string begin = words(2100);
    EXPECT_EQ(pool(g.ask(say(begin))), short_pool);
    EXPECT_EQ(pool(g.ask(say(begin + words(6000)))), long_pool);
    EXPECT_EQ(pool(g.ask(say(begin))), short_pool);
}

TEST_F(two_pools, do_not_exist_for_those_whom_they_are_not_reserved_for) {
    running_gateway g(std::string(two_keys) + settings("classes: [realtime], ", "tenants: [b], "));
    const auto ask = [&](std::string_view key, std::size_t bytes, std::string_view klass) {
        return g.ask(
            say(words(bytes), {}, with_key(key, {{"x-penstock-class", std::string(klass)}}))
        );
    };
    EXPECT_EQ(pool(ask("sk-anna", 100, "realtime")), short_pool);
    EXPECT_EQ(pool(ask("sk-bert", 100, "realtime")), short_pool);
    EXPECT_EQ(pool(ask("sk-bert", 100, "bulk")), long_pool);
    EXPECT_EQ(pool(ask("sk-bert", 6000, "realtime")), long_pool);

    const auto reserved = ask("sk-anna", 100, "bulk");
    EXPECT_EQ(reserved.status, 403);
    EXPECT_THAT(reserved.body, HasSubstr("reserved for another class or tenant"));
    const auto too_long = ask("sk-anna", 12'000, "realtime");
    EXPECT_EQ(too_long.status, 400);
    EXPECT_THAT(too_long.body, HasSubstr("context_length_exceeded"));
    EXPECT_THAT(too_long.body, HasSubstr("largest context of this model is 1024 for this class"));
    EXPECT_THAT(too_long.body, HasSubstr("tokens, and at least 15"));
}

TEST_F(two_pools, cap_the_answers_of_what_they_serve) {
    running_gateway g(
        "threads: 1\nkeys:\n  - {name: anna, sha256: "
        "6cb9b97054a7581b061237873eaaf81333879847f2769ca5d6b9b59b9618a213, "
        "max_tokens: 50}\n  - {name: bert, sha256: "
        "0834d730019163325c969f3aef3fa0077964468ea76fc46b30899b2ef9a82b82}\n" +
        settings("max_tokens: 100, ", "max_tokens: 200, ", "max_tokens: 150, ")
    );
    const auto capped_at = [&](std::string_view key, std::size_t bytes) {
        return g.ask(say(words(bytes), R"(,"max_tokens":700)", with_key(key)))
            .header("x-penstock-max-tokens");
    };
    EXPECT_EQ(capped_at("sk-bert", 100), "100");
    EXPECT_EQ(capped_at("sk-bert", 6000), "150") << "the model's is tighter than the pool's";
    EXPECT_EQ(capped_at("sk-anna", 6000), "50");
    EXPECT_THAT(small.requests()[0].body, HasSubstr(R"("max_tokens":100)"));
    EXPECT_EQ(g.log(0).number("max_tokens"), 100);
    EXPECT_EQ(g.log(0).number("est_output"), 100);
}

TEST_F(two_pools, are_passed_over_where_they_give_too_little_and_nothing_is_clamped) {
    running_gateway g(settings("max_tokens: 100, ", "max_tokens: 200, ", "over_cap: refuse, "));
    EXPECT_EQ(pool(g.ask(say("hi", R"(,"max_tokens":100)"))), short_pool);
    EXPECT_EQ(pool(g.ask(say("hi", R"(,"max_tokens":101)"))), long_pool);
    const auto refused = g.ask(say("hi", R"(,"max_tokens":201)"));
    EXPECT_EQ(refused.status, 400);
    EXPECT_THAT(refused.body, HasSubstr("at most 200"));
    EXPECT_THAT(refused.body, HasSubstr(R"("param":"max_tokens")"));
}

TEST_F(two_pools, lend_to_short_requests_while_half_of_the_long_one_is_idle) {
    running_gateway g(settings("max_tokens: 100, ", "max_tokens: 200, "));
    is_held = true;
    std::vector<std::unique_ptr<test_client>> clients;
    for (int i = 0; i < 4; ++i) {
        clients.push_back(std::make_unique<test_client>(g.port()));
        clients.back()->send(say("hi", R"(,"max_tokens":700)"));
        ASSERT_TRUE(eventually([&] { return g.slots_taken() + g.waiting() == i + 1; }));
    }
    EXPECT_EQ(small.num_requests(), 1u);
    ASSERT_TRUE(large.wait_for_requests(2));
    EXPECT_EQ(g.waiting(), 1) << "the other half of the long pool is for long requests";
    test_client long_one(g.port());
    long_one.send(say(words(6000)));
    ASSERT_TRUE(large.wait_for_requests(3));
    allowed->store(everything);
    EXPECT_EQ(long_one.read_response().status, 200);
    const auto first = clients[0]->read_response(), second = clients[1]->read_response();
    EXPECT_EQ(pool(first), short_pool);
    EXPECT_EQ(first.header("x-penstock-max-tokens"), "100");
    EXPECT_EQ(pool(second), long_pool) << "told is the pool that served it";
    EXPECT_EQ(second.header("x-penstock-max-tokens"), "200");
    EXPECT_THAT(large.requests()[0].body, HasSubstr(R"("max_tokens":200)"));
    for (std::size_t i = 2; i < clients.size(); ++i)
        EXPECT_EQ(clients[i]->read_response().status, 200);
    EXPECT_TRUE(g.comes_to_rest());
}

TEST_F(two_pools, do_not_hold_a_conversation_to_the_one_it_spilled_into) {
    running_gateway g(settings());
    is_held = true;
    test_client holder(g.port()), spilled(g.port());
    holder.send(say("hi", {}, session("other")));
    ASSERT_TRUE(small.wait_for_requests(1));
    spilled.send(say("hi", {}, session("s")));
    ASSERT_TRUE(large.wait_for_requests(1));
    allowed->store(everything);
    EXPECT_EQ(pool(spilled.read_response()), long_pool);
    EXPECT_EQ(pool(holder.read_response()), short_pool);
    ASSERT_TRUE(g.comes_to_rest());
    EXPECT_EQ(pool(g.ask(say("hi", {}, session("s")))), short_pool);
}

TEST_F(two_pools, have_no_larger_one_behind_the_one_that_was_spilled_into) {
    running_gateway g(settings());
    is_held = true;
    test_client holder(g.port());
    holder.send(say("hi"));
    ASSERT_TRUE(small.wait_for_requests(1));
    large.enqueue(test::json(R"({"error":{"code":"context_length_exceeded"}})", 400));
    const auto got = g.ask(say("hi"));
    EXPECT_EQ(got.status, 400);
    EXPECT_EQ(pool(got), long_pool);
    EXPECT_EQ(small.num_requests(), 1u) << "never into a smaller one";
    allowed->store(everything);
    EXPECT_EQ(holder.read_response().status, 200);
    EXPECT_TRUE(g.comes_to_rest());
}

}  // namespace
}  // namespace penstock::gateway
