// Chats: whole and streamed answers, choices, stop strings, reasoning, tool calls, log
// probabilities, usage.
#include "worker/api/running_front.hpp"

namespace penstock::worker::test {
namespace {

constexpr std::string_view tools =
    R"("tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object"}}}])";

script says_weather(const generation&) {
    return say({
        ids_of("Let me see."),
        {tool_call},
        ids_of("\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Kazan\"}}\n"),
        {end_tool_call},
        {tool_call},
        ids_of("\n{\"name\": \"weather\", \"arguments\": {\"city\":  \"Ufa\"}}\n"),
        {end_tool_call},
    });
}

script says_thought(const generation&) {
    return say({{think}, ids_of("\nHm.\n"), {end_think}, ids_of("\nYes.")});
}

TEST(chat_answer, is_whole_with_its_usage) {
    running_front front([](const generation&) {
        script said = say("Hello.");
        said.cached_tokens = 7;
        return said;
    });
    const auto answer = front.answer(chat_path, chat_body());
    EXPECT_EQ(answer.at("object"), "chat.completion");
    EXPECT_EQ(answer.at("model"), "tiny");
    EXPECT_EQ(answer.at("system_fingerprint"), "fp_test");
    EXPECT_TRUE(answer.at("id").as_string().starts_with("chatcmpl-"));
    EXPECT_EQ(message_of(answer).at("role"), "assistant");
    EXPECT_EQ(message_of(answer).at("content"), "Hello.");
    EXPECT_EQ(choice_of(answer).at("finish_reason"), "stop");
    EXPECT_TRUE(choice_of(answer).at("logprobs").is_null());
    const auto prompt = front.speaker().submitted().at(0).prompt.size();
    const auto& usage = answer.at("usage").as_object();
    EXPECT_EQ(usage.at("prompt_tokens").to_number<std::size_t>(), prompt);
    EXPECT_EQ(usage.at("completion_tokens"), 7) << "the end of the turn was generated, too";
    EXPECT_EQ(usage.at("total_tokens").to_number<std::size_t>(), prompt + 7);
    EXPECT_EQ(usage.at("prompt_tokens_details").at("cached_tokens"), 7);
}

TEST(chat_answer, gets_the_prompt_of_the_template_with_the_users_text_as_text) {
    running_front front;
    front.answer(
        chat_path,
        R"({"messages":[{"role":"developer","content":"Be kind."},)"
        R"({"role":"user","content":[{"type":"text","text":"<|im_end|>"}]}]})"
    );
    const auto prompt = front.speaker().submitted().at(0).prompt;
    std::vector<token_id> expected;
    const auto add = [&](const std::vector<token_id>& ids) {
        expected.insert(expected.end(), ids.begin(), ids.end());
    };
    add({im_start});
    add(ids_of("system\nBe kind."));
    add({im_end});
    add(ids_of("\n"));
    add({im_start});
    add(ids_of("user\n<|im_end|>"));
    add({im_end});
    add(ids_of("\n"));
    add({im_start});
    add(ids_of("assistant\n"));
    EXPECT_EQ(prompt, expected);
}

TEST(chat_answer, streams_the_role_first_and_done_last) {
    running_front front;
    const auto events = front.stream(chat_path, chat_body(R"("stream":true)"));
    ASSERT_GE(events.size(), 2u);
    EXPECT_EQ(events[0].at("object"), "chat.completion.chunk");
    EXPECT_EQ(choice_of(events[0]).at("delta").at("role"), "assistant");
    EXPECT_EQ(joined(events, "content"), "Hello.");
    EXPECT_EQ(finish_of(events), "stop");
    for (const auto& event : events) {
        EXPECT_EQ(event.at("id"), events[0].at("id"));
        EXPECT_FALSE(event.contains("usage")) << "it was not asked for";
    }
}

TEST(chat_answer, ends_a_stream_with_its_usage_when_that_is_asked_for) {
    running_front front;
    const auto events = front.stream(
        chat_path, chat_body(R"("stream":true,"stream_options":{"include_usage":true})")
    );
    ASSERT_GE(events.size(), 3u);
    EXPECT_TRUE(events.back().at("choices").as_array().empty());
    EXPECT_EQ(events.back().at("usage").at("completion_tokens"), 7);
    EXPECT_TRUE(events[0].at("usage").is_null());
}

TEST(chat_answer, holds_the_head_back_until_the_first_token) {
    running_front front;
    front.speaker().let(0);
    test_client client(front.port());
    client.send(post(chat_path, chat_body(R"("stream":true)")));
    ASSERT_TRUE(eventually([&] { return front.speaker().num_running() == 1; }));
    EXPECT_TRUE(client.is_quiet_for(50ms));
    front.speaker().let(fake_engine::everything);
    EXPECT_EQ(client.read_head().status, 200);
    EXPECT_EQ(joined(running_front::read_events(client), "content"), "Hello.");
}

TEST(chat_answer, comes_token_by_token) {
    running_front front;
    front.speaker().let(1);
    test_client client(front.port());
    client.send(post(chat_path, chat_body(R"("stream":true)")));
    client.read_head();
    std::string text;
    for (std::uint32_t i = 1; i <= 6; ++i) {
        front.speaker().let(i);
        while (text.size() < i) {
            const auto event = client.read_event();
            ASSERT_TRUE(event);
            text += joined({json::parse(event->text.substr(6)).as_object()}, "content");
        }
        EXPECT_EQ(text, std::string("Hello.").substr(0, i));
    }
}

TEST(chat_answer, has_as_many_choices_as_asked_each_with_its_own_seed) {
    running_front front([](const generation& what) {
        return say("seed " + std::to_string(what.sampling.seed));
    });
    const auto answer = front.answer(chat_path, chat_body(R"("n":3,"seed":40)"));
    ASSERT_EQ(answer.at("choices").as_array().size(), 3u);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(choice_of(answer, i).at("index").to_number<std::size_t>(), i);
        EXPECT_EQ(text_in(message_of(answer, i).at("content")), "seed " + std::to_string(40 + i));
    }
    const auto prompt = front.speaker().submitted().at(0).prompt.size();
    EXPECT_EQ(answer.at("usage").at("prompt_tokens").to_number<std::size_t>(), prompt)
        << "of one prompt, once";
    EXPECT_EQ(answer.at("usage").at("completion_tokens"), 24);

    const auto events = front.stream(chat_path, chat_body(R"("n":3,"seed":7,"stream":true)"));
    for (std::int64_t i = 0; i < 3; ++i) {
        EXPECT_EQ(joined(events, "content", i), "seed " + std::to_string(7 + i));
        EXPECT_EQ(finish_of(events, i), "stop");
    }
}

TEST(chat_answer, draws_another_seed_when_none_is_given) {
    running_front front;
    front.answer(chat_path, chat_body());
    front.answer(chat_path, chat_body());
    const auto asked = front.speaker().submitted();
    EXPECT_NE(asked.at(0).sampling.seed, asked.at(1).sampling.seed);
}

TEST(chat_answer, ends_before_a_stop_string_that_many_tokens_make) {
    running_front front([](const generation&) { return say("One, two END three"); });
    const auto body = [](std::string_view more) {
        return chat_body(R"("stop":["END","unheard"])" + std::string(more));
    };
    const auto answer = front.answer(chat_path, body(""));
    EXPECT_EQ(message_of(answer).at("content"), "One, two ");
    EXPECT_EQ(choice_of(answer).at("finish_reason"), "stop");
    EXPECT_EQ(answer.at("usage").at("completion_tokens"), 12) << "what was generated counts";
    const auto events = front.stream(chat_path, body(R"(,"stream":true)"));
    EXPECT_EQ(joined(events, "content"), "One, two ");
    EXPECT_EQ(finish_of(events), "stop");
}

TEST(chat_answer, gives_back_what_only_looked_like_a_stop_string) {
    running_front front([](const generation&) { return say("An EN"); });
    const auto events = front.stream(chat_path, chat_body(R"("stop":"END","stream":true)"));
    EXPECT_EQ(joined(events, "content"), "An EN");
}

TEST(chat_answer, stops_the_generation_that_a_stop_string_ends) {
    running_front front([](const generation&) { return say("stop" + std::string(1000, 'x')); });
    front.speaker().let(4);
    const auto answer = front.answer(chat_path, chat_body(R"("stop":"stop")"));
    EXPECT_EQ(message_of(answer).at("content"), "");
    EXPECT_EQ(front.speaker().num_stopped(), 1u);
    EXPECT_EQ(front.speaker().num_aborted(), 0u) << "its reader has what it wanted";
}

TEST(chat_answer, looks_for_no_stop_string_before_min_tokens) {
    running_front front([](const generation&) { return say("ab ab ab"); });
    const auto answer = front.answer(chat_path, chat_body(R"("stop":"ab","min_tokens":4)"));
    EXPECT_EQ(message_of(answer).at("content"), "ab ");
}

TEST(chat_answer, ends_by_length_at_max_tokens) {
    running_front front;
    for (const char* name : {"max_tokens", "max_completion_tokens"}) {
        const auto answer = front.answer(chat_path, chat_body("\"" + std::string(name) + "\":3"));
        EXPECT_EQ(message_of(answer).at("content"), "Hel");
        EXPECT_EQ(choice_of(answer).at("finish_reason"), "length");
    }
}

TEST(chat_answer, may_fill_the_rest_of_the_context_when_no_length_is_asked) {
    running_front front;
    front.answer(chat_path, chat_body());
    const auto asked = front.speaker().submitted().at(0);
    EXPECT_EQ(asked.max_tokens, 4096 - asked.prompt.size());
}

TEST(chat_answer, joins_characters_that_tokens_cut) {
    const std::string text = "Здравствуй, мир \xF0\x9F\x98\x80!";
    running_front front([&](const generation&) { return say(text); });
    EXPECT_EQ(text_in(message_of(front.answer(chat_path, chat_body())).at("content")), text);
    const auto events = front.stream(chat_path, chat_body(R"("stream":true)"));
    EXPECT_EQ(joined(events, "content"), text);
}

TEST(chat_answer, ends_half_a_character_before_a_marker) {
    running_front front([](const generation&) {
        return say({{think}, ids_of("Hm\xD0"), {end_think}, ids_of("\xAFYes.")});
    });
    const auto answer = front.answer(chat_path, chat_body());
    EXPECT_EQ(message_of(answer).at("reasoning_content"), "Hm\xEF\xBF\xBD");
    EXPECT_EQ(message_of(answer).at("content"), "\xEF\xBF\xBDYes.") << "two halves, not one Я";
}

TEST(chat_answer, keeps_reasoning_apart) {
    running_front front(says_thought);
    const auto answer = front.answer(chat_path, chat_body());
    EXPECT_EQ(message_of(answer).at("reasoning_content"), "Hm.");
    EXPECT_EQ(message_of(answer).at("content"), "Yes.");
    const auto events = front.stream(chat_path, chat_body(R"("stream":true)"));
    EXPECT_EQ(joined(events, "reasoning_content"), "Hm.");
    EXPECT_EQ(joined(events, "content"), "Yes.");
}

TEST(chat_answer, begins_in_reasoning_where_the_template_opened_it) {
    running_front front([](const generation&) {
        return say({ids_of("Hm."), {end_think}, ids_of("Yes.")});
    });
    const auto answer =
        front.answer(chat_path, chat_body(R"("chat_template_kwargs":{"think":true})"));
    EXPECT_EQ(message_of(answer).at("reasoning_content"), "Hm.");
    EXPECT_EQ(message_of(answer).at("content"), "Yes.");
}

TEST(chat_answer, looks_for_stop_strings_in_the_content_alone) {
    running_front front([](const generation&) {
        return say({{think}, ids_of("no END yet"), {end_think}, ids_of("now END here")});
    });
    const auto answer = front.answer(chat_path, chat_body(R"("stop":"END")"));
    EXPECT_EQ(message_of(answer).at("reasoning_content"), "no END yet");
    EXPECT_EQ(message_of(answer).at("content"), "now ");
}

TEST(chat_answer, has_tool_calls_with_the_arguments_verbatim) {
    running_front front(says_weather);
    const auto answer = front.answer(chat_path, chat_body(tools));
    EXPECT_EQ(choice_of(answer).at("finish_reason"), "tool_calls");
    EXPECT_EQ(message_of(answer).at("content"), "Let me see.");
    const auto& calls = message_of(answer).at("tool_calls").as_array();
    ASSERT_EQ(calls.size(), 2u);
    EXPECT_EQ(calls[0].at("type"), "function");
    EXPECT_EQ(calls[0].at("function").at("name"), "weather");
    EXPECT_EQ(calls[0].at("function").at("arguments"), R"({"city": "Kazan"})");
    EXPECT_EQ(calls[1].at("function").at("arguments"), R"({"city":  "Ufa"})");
    EXPECT_NE(calls[0].at("id"), calls[1].at("id"));
}

TEST(chat_answer, streams_tool_calls_the_name_first) {
    running_front front(says_weather);
    const auto events =
        front.stream(chat_path, chat_body(std::string(tools) + R"(,"stream":true)"));
    EXPECT_EQ(joined(events, "content"), "Let me see.");
    EXPECT_EQ(finish_of(events), "tool_calls");
    std::vector<std::string> names(2), arguments(2), ids(2);
    for (const auto& event : events) {
        const auto* calls = choice_of(event).at("delta").as_object().if_contains("tool_calls");
        if (!calls) continue;
        for (const auto& call : calls->as_array()) {
            const auto index = call.at("index").to_number<std::size_t>();
            ASSERT_LT(index, 2u);
            const auto& function = call.at("function").as_object();
            if (function.contains("name")) {
                EXPECT_EQ(arguments[index], "") << "the name comes before them";
                names[index] = function.at("name").as_string();
                ids[index] = call.at("id").as_string();
            }
            arguments[index] += function.at("arguments").as_string();
        }
    }
    EXPECT_EQ(names, (std::vector<std::string>{"weather", "weather"}));
    EXPECT_EQ(arguments[0], R"({"city": "Kazan"})");
    EXPECT_EQ(arguments[1], R"({"city":  "Ufa"})");
    EXPECT_NE(ids[0], ids[1]);
}

TEST(chat_answer, knows_no_tool_calls_where_no_tools_were_given) {
    running_front front([](const generation&) {
        return say({{tool_call}, ids_of("{}"), {end_tool_call}});
    });
    for (const std::string& more :
         {std::string(), std::string(tools) + R"(,"tool_choice":"none")"}) {
        const auto answer = front.answer(chat_path, chat_body(more));
        EXPECT_EQ(message_of(answer).at("content"), "<tool_call>{}</tool_call>");
        EXPECT_EQ(choice_of(answer).at("finish_reason"), "stop");
    }
}

TEST(chat_answer, has_log_probabilities_with_bytes) {
    running_front front([](const generation&) { return say("\xC3\xA9"); });
    const auto check = [](const json::array& content) {
        ASSERT_EQ(content.size(), 2u) << "the end of the turn has none";
        EXPECT_EQ(content[0].at("bytes"), json::value({0xC3}));
        EXPECT_EQ(content[1].at("bytes"), json::value({0xA9}));
        EXPECT_EQ(content[0].at("logprob").to_number<double>(), -0.5);
        EXPECT_EQ(content[1].at("logprob").to_number<double>(), -1.0);
        const auto& top = content[0].at("top_logprobs").as_array();
        ASSERT_EQ(top.size(), 2u);
        EXPECT_EQ(top[1].at("token"), "b");
        EXPECT_EQ(top[1].at("logprob").to_number<double>(), -2.0);
    };
    const std::string_view asked = R"("logprobs":true,"top_logprobs":2)";
    const auto answer = front.answer(chat_path, chat_body(asked));
    check(choice_of(answer).at("logprobs").at("content").as_array());
    json::array streamed;
    for (const auto& event :
         front.stream(chat_path, chat_body(std::string(asked) + R"(,"stream":true)")))
        if (const auto& some = choice_of(event).at("logprobs"); some.is_object())
            for (const auto& token : some.at("content").as_array())
                streamed.push_back(token);
    check(streamed);
}

TEST(chat_answer, has_log_probabilities_without_alternatives_when_none_are_asked) {
    running_front front;
    const auto answer = front.answer(chat_path, chat_body(R"("logprobs":true)"));
    const auto& content = choice_of(answer).at("logprobs").at("content").as_array();
    ASSERT_EQ(content.size(), 6u);
    EXPECT_TRUE(content[0].at("top_logprobs").as_array().empty());
}

TEST(chat_answer, stops_at_ids_of_the_model_and_of_the_request) {
    running_front front([](const generation&) { return say("abc"); });
    const auto answer = front.answer(chat_path, chat_body(R"("stop_token_ids":[98])"));
    EXPECT_EQ(message_of(answer).at("content"), "a");
    EXPECT_EQ(front.speaker().submitted().at(0).stop_ids, (std::vector<token_id>{98, 256, im_end}));
    front.answer(chat_path, chat_body(R"("stop_token_ids":[98],"ignore_eos":true)"));
    EXPECT_EQ(front.speaker().submitted().at(1).stop_ids, (std::vector<token_id>{98}));
}

}  // namespace
}  // namespace penstock::worker::test
