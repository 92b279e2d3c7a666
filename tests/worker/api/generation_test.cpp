// What the engine is asked for: every setting of a request, and the salt of its prefixes.
#include "worker/api/running_front.hpp"

#include <map>

namespace penstock::worker::test {
namespace {

TEST(a_generation, is_asked_of_the_engine_as_the_request_says) {
    running_front front;
    const std::string body = chat_body(
        R"("temperature":0.5,"top_k":5,"top_p":0.25,"min_p":0.125,"repetition_penalty":1.5,)"
        R"("frequency_penalty":-0.5,"presence_penalty":0.75,"logit_bias":{"7":-100,"8":2.5},)"
        R"("seed":-1,"min_tokens":2,"max_tokens":9,"cache_salt":"pepper")"
    );
    front.ask(
        post(chat_path, body, {{"x-penstock-class", "bulk"}, {"x-penstock-cache-salt", "salt"}})
    );
    const auto asked = front.speaker().submitted().at(0);
    sampling_params expected;
    expected.temperature = 0.5f;
    expected.top_k = 5;
    expected.top_p = 0.25f;
    expected.min_p = 0.125f;
    expected.repetition_penalty = 1.5f;
    expected.frequency_penalty = -0.5f;
    expected.presence_penalty = 0.75f;
    expected.seed = ~std::uint64_t{0};
    EXPECT_EQ(asked.sampling, expected);
    ASSERT_EQ(asked.bias.size(), 2u);
    EXPECT_EQ(asked.bias[0].id, 7);
    EXPECT_EQ(asked.bias[0].bias, -100);
    EXPECT_EQ(asked.min_tokens, 2u);
    EXPECT_EQ(asked.max_tokens, 9u);
    EXPECT_EQ(asked.cache_salt, "4:saltpepper");
    EXPECT_EQ(asked.traffic_class, request_class::bulk);
    EXPECT_EQ(asked.vocabulary, std::uint32_t(num_tokens));
}

// Prefixes are shared under an equal salt of the engine's only.
TEST(a_cache_salt, of_a_body_never_leaves_the_salt_of_its_head) {
    running_front front;
    const auto salt_of = [&front](const std::string& head, const std::string& body) {
        front.ask(post(
            chat_path,
            chat_body(body.empty() ? "" : R"("cache_salt":")" + body + "\""),
            {{"x-penstock-cache-salt", head}}
        ));
        return front.speaker().submitted().back().cache_salt;
    };
    const std::pair<const char*, const char*> kinds[] = {
        {"", ""},
        {"a", ""},
        {"", "a"},
        {"b", ""},
        {"a", "b"},
        {"b", "b"},
        {"ab", ""},
        {"", "ab"},
        {"a", "bc"},
        {"ab", "c"},
        {"", "1:a"},
        {"", "1:ab"},
        {"1:a", "b"},
        {"a", "a"},
    };
    std::map<std::string, std::string> seen;
    for (const auto& [head, body] : kinds) {
        const std::string made = salt_of(head, body);
        EXPECT_EQ(made, salt_of(head, body)) << "the same request finds its own prefixes";
        const auto name = std::string(head) + " & " + body;
        const auto [at, is_new] = seen.emplace(made, name);
        EXPECT_TRUE(is_new) << name << " shares with " << at->second;
    }
    EXPECT_EQ(seen.count(""), 1u) << "no salt at all is the engine's own";
}

}  // namespace
}  // namespace penstock::worker::test
