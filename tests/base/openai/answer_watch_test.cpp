// Usage of unstreamed answers, found across any read boundary.
#include "penstock/openai/answer.hpp"

#include <gtest/gtest.h>

namespace penstock::openai {
namespace {

usage watch(std::string_view answer, std::size_t piece, dialect spoken = dialect::chat) {
    answer_watch watching(spoken);
    for (std::size_t at = 0; at < answer.size(); at += piece)
        watching.feed(answer.substr(at, piece));
    return watching.found();
}

// The same for every size of pieces.
usage found_in(std::string_view answer, dialect spoken = dialect::chat) {
    const usage whole = watch(answer, answer.size() + 1, spoken);
    for (std::size_t piece = 1; piece <= answer.size(); ++piece) {
        const usage used = watch(answer, piece, spoken);
        EXPECT_EQ(used.known, whole.known) << piece;
        EXPECT_EQ(used.prompt, whole.prompt) << piece;
        EXPECT_EQ(used.output, whole.output) << piece;
        EXPECT_EQ(used.cached, whole.cached) << piece;
    }
    return whole;
}

TEST(answer_watch, finds_usage_wherever_it_stands) {
    const std::string usage_member = R"("usage": {"prompt_tokens":9,"completion_tokens":3,)"
                                     R"("prompt_tokens_details":{"cached_tokens":4}})";
    const std::string other =
        R"("choices":[{"message":{"content":"a \"usage\": {\"prompt_tokens\":7} \\"},)"
        R"("usage":{"prompt_tokens":8}}])";
    for (const std::string& answer :
         {"{" + usage_member + "," + other + "}", "{" + other + " ,\n" + usage_member + "}"}) {
        const usage used = found_in(answer);
        EXPECT_TRUE(used.known);
        EXPECT_EQ(used.prompt, 9u);
        EXPECT_EQ(used.output, 3u);
        EXPECT_EQ(used.cached, 4u);
    }
}

TEST(answer_watch, reads_every_dialect) {
    EXPECT_EQ(
        found_in(
            R"({"type":"message","usage":{"input_tokens":3,"cache_read_input_tokens":2,)"
            R"("output_tokens":1}})",
            dialect::messages
        )
            .prompt,
        5u
    );
    EXPECT_EQ(
        found_in(
            R"({"object":"response","usage":{"input_tokens":3,"output_tokens":1}})",
            dialect::responses
        )
            .output,
        1u
    );
    EXPECT_EQ(
        found_in(
            R"({"data":[{"embedding":[0.1,-2e-3]}],"usage":{"prompt_tokens":8,"total_tokens":8}})",
            dialect::embeddings
        )
            .prompt,
        8u
    );
    EXPECT_EQ(
        found_in(R"({"results":[],"usage":{"total_tokens":15}})", dialect::rerank).prompt, 15u
    );
    EXPECT_EQ(
        found_in(
            R"({"results":[],"meta":{"api_version":{"version":"2"},"billed_units":)"
            R"({"search_units":1},)"
            R"("tokens":{"input_tokens":6.0}}})",
            dialect::rerank
        )
            .prompt,
        6u
    );
    EXPECT_EQ(
        found_in(
            R"({"text":"a","usage":{"type":"tokens","input_tokens":4,"output_tokens":2}})",
            dialect::transcription
        )
            .prompt,
        4u
    );
    EXPECT_FALSE(
        found_in(R"({"text":"a","usage":{"type":"duration","seconds":4}})", dialect::transcription)
            .known
    );
}

TEST(answer_watch, finds_nothing_where_nothing_is_said) {
    for (std::string_view answer :
         {R"({"usage":null})",
          R"({"x":"usage","y":{"usage":{"prompt_tokens":1}}})",
          "[]",
          "",
          R"([{"usage":{"prompt_tokens":1}}])",
          R"({"usage":{"prompt_tokens":1)",
          "}}}}{",
          "\"usage\"",
          R"({"us\u0061ge":{"prompt_tokens":1}})",
          R"({"meta":{"tokens":{"input_tokens":1}}})"})
        EXPECT_FALSE(found_in(answer).known) << answer;
}

TEST(answer_watch, keeps_at_most_a_bounded_piece) {
    const std::string long_usage = R"({"usage":{"x":")" + std::string(5000, 'a') +
                                   R"(","prompt_tokens":1},"usage":{"prompt_tokens":2}})";
    EXPECT_EQ(watch(long_usage, 100).prompt, 2u);
    EXPECT_EQ(watch(long_usage, 100'000).prompt, 2u);
}

}  // namespace
}  // namespace penstock::openai
