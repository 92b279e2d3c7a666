// Completions: prompts in every form, fill-in-the-middle, log probabilities.
#include "worker/api/running_front.hpp"

namespace penstock::worker::test {
namespace {

TEST(completion_answer, continues_a_text) {
    running_front front;
    const auto answer = front.answer(completion_path, R"({"prompt":"Say hello"})");
    EXPECT_EQ(answer.at("object"), "text_completion");
    EXPECT_EQ(choice_of(answer).at("text"), "Hello.");
    EXPECT_EQ(choice_of(answer).at("finish_reason"), "stop");
    EXPECT_EQ(answer.at("usage").at("prompt_tokens"), 9);
    EXPECT_EQ(front.speaker().submitted().at(0).prompt, ids_of("Say hello"));
}

TEST(completion_answer, reads_special_tokens_in_the_developers_own_prompt) {
    running_front front;
    front.answer(completion_path, R"({"prompt":"<|im_start|>a"})");
    EXPECT_EQ(front.speaker().submitted().at(0).prompt, (std::vector<token_id>{im_start, 'a'}));
}

TEST(completion_answer, streams_without_a_role) {
    running_front front;
    const auto events = front.stream(
        completion_path, R"({"prompt":"x","stream":true,"stream_options":{"include_usage":true}})"
    );
    EXPECT_EQ(joined(events, "text"), "Hello.");
    EXPECT_EQ(finish_of(events), "stop");
    EXPECT_EQ(events.back().at("usage").at("total_tokens"), 8);
}

TEST(completion_answer, continues_token_ids) {
    running_front front;
    front.answer(completion_path, R"({"prompt":[1,2,3]})");
    EXPECT_EQ(front.speaker().submitted().at(0).prompt, (std::vector<token_id>{1, 2, 3}));
}

TEST(completion_answer, answers_every_prompt_of_a_list_n_times) {
    running_front front([](const generation& what) {
        return say(std::string(1, char(what.prompt[0])) + std::to_string(what.sampling.seed));
    });
    const auto answer =
        front.answer(completion_path, R"({"prompt":["a",[98],"cc"],"n":2,"seed":5})");
    ASSERT_EQ(answer.at("choices").as_array().size(), 6u);
    const char* expected[] = {"a5", "a6", "b5", "b6", "c5", "c6"};
    for (std::size_t i = 0; i < 6; ++i)
        EXPECT_EQ(choice_of(answer, i).at("text"), expected[i]) << "no neighbour moves a seed";
    EXPECT_EQ(answer.at("usage").at("prompt_tokens"), 4) << "each prompt once";
}

TEST(completion_answer, counts_what_was_cached_of_every_prompt_once) {
    running_front front([](const generation& what) {
        script said = say("x");
        said.cached_tokens = what.prompt[0] == 'a' ? 100 : what.prompt[0] == 'b' ? 20 : 3;
        return said;
    });
    const auto answer = front.answer(completion_path, R"({"prompt":["aa","bb","cc"],"n":2})");
    EXPECT_EQ(answer.at("usage").at("prompt_tokens_details").at("cached_tokens"), 123);
}

TEST(completion_answer, fills_in_between_prompt_and_suffix) {
    running_front front;
    front.answer(completion_path, R"({"prompt":"a<|im_end|>","suffix":"b"})");
    std::vector<token_id> expected{fim_prefix};
    const auto before = ids_of("a<|im_end|>");
    expected.insert(expected.end(), before.begin(), before.end());
    expected.insert(expected.end(), {fim_suffix, 'b', fim_middle});
    EXPECT_EQ(front.speaker().submitted().at(0).prompt, expected);
}

TEST(completion_answer, has_log_probabilities_by_text_and_offset) {
    running_front front([](const generation&) { return say("ab"); });
    const auto answer = front.answer(completion_path, R"({"prompt":"x","logprobs":2})");
    const auto& logprobs = choice_of(answer).at("logprobs").as_object();
    EXPECT_EQ(logprobs.at("tokens"), json::value({"a", "b"}));
    EXPECT_EQ(logprobs.at("text_offset"), json::value({0, 1}));
    EXPECT_EQ(logprobs.at("token_logprobs").as_array().size(), 2u);
    const auto& top = logprobs.at("top_logprobs").at(0).as_object();
    EXPECT_TRUE(top.contains("a"));
    EXPECT_TRUE(top.contains("b"));
    std::size_t offset = 0;
    for (const auto& event :
         front.stream(completion_path, R"({"prompt":"x","logprobs":0,"stream":true})")) {
        const auto& some = choice_of(event).at("logprobs");
        if (!some.is_object()) continue;
        for (const auto& at : some.at("text_offset").as_array())
            EXPECT_EQ(at.to_number<std::size_t>(), offset++) << "it goes on between chunks";
    }
    EXPECT_EQ(offset, 2u);
}

TEST(completion_answer, has_neither_reasoning_nor_tool_calls) {
    running_front front([](const generation&) {
        return say({{think}, ids_of("Hm."), {end_think}, {im_start}});
    });
    const auto answer = front.answer(completion_path, R"({"prompt":"x"})");
    EXPECT_EQ(choice_of(answer).at("text"), "<think>Hm.</think>") << "special tokens have no text";
}

}  // namespace
}  // namespace penstock::worker::test
