// What of a prompt decides how its answer is read: the template's own end of it, and no more.
#include "worker/api/choice.hpp"
#include "worker/api/running_front.hpp"

namespace penstock::worker::test {
namespace {

served_model model_with(std::string_view text, std::size_t num_added = std::size(added_texts)) {
    generation_defaults defaults;
    defaults.stop_ids = {end_of_text, im_end};
    served_model model(
        "tiny", tiny_tokenizer(num_added), must(chat_template::parse(text, {})), defaults
    );
    model.rules.max_positions = 8192;
    return model;
}

prepared_request prepared(const served_model& model, std::string_view user) {
    const json::object body{
        {"messages", json::array{json::object{{"role", "user"}, {"content", user}}}}
    };
    auto made = prepare_chat(json::serialize(body), model);
    if (made.has_error()) throw std::runtime_error(made.error().message);
    return std::move(made).value();
}

// How "Hm." is read behind the prompt.
answer_delta read_answer(const served_model& model, std::string_view user) {
    const prepared_request request = prepared(model, user);
    choice made(request, model);
    for (const token_id id : ids_of("Hm."))
        made.push({.id = id});
    made.finish(false);
    return made.take();
}

constexpr std::string_view ends_with_the_user = "<|im_start|>{{ messages[0].content }}",
                           ends_with_space = "<|im_start|>{{ messages[0].content }}{{ '\n' }}",
                           opens_a_thought = "<|im_start|>{{ messages[0].content }}<think>";

TEST(the_tail_of_a_prompt, is_what_the_template_wrote_behind_the_last_user) {
    EXPECT_EQ(prepared(model_with(ends_with_the_user), "a<think>").prompt_tail, "");
    EXPECT_EQ(prepared(model_with(ends_with_space), "a<think>").prompt_tail, "\n");
    EXPECT_EQ(prepared(model_with(opens_a_thought), "a").prompt_tail, "<think>");
    EXPECT_EQ(prepared(model_with("{{ '<think>' }}"), "a").prompt_tail, "<think>") << "no user";
}

TEST(the_tail_of_a_prompt, is_bounded) {
    const std::string text(5000, 't');
    EXPECT_EQ(prepared(model_with(text), "a").prompt_tail, std::string(256, 't'));
}

// A template may write so much that no context could hold it: then that is what is wrong.
TEST(a_prompt_beyond_what_the_template_may_write, is_too_long_where_no_context_could_hold_it) {
    constexpr std::size_t most = 100'000;
    served_model model = model_with(template_text);
    model.chat.emplace(must(chat_template::parse(template_text, {}, {.output_bytes = most})));
    const auto message = [](std::size_t size) {
        return json::object{{"role", "user"}, {"content", std::string(size, 'x')}};
    };
    const json::array long_at_once{message(most + 1)},
        long_together{message(most / 2), message(most / 2)};
    for (const json::array& messages : {long_at_once, long_together}) {
        const std::string body = json::serialize(json::object{{"messages", messages}});
        model.rules.max_positions = 64;
        const auto too_long = prepare_chat(body, model);
        ASSERT_TRUE(too_long.has_error());
        EXPECT_EQ(too_long.error().code, errc::context_length_exceeded);
        EXPECT_EQ(too_long.error().param, "messages");
        EXPECT_NE(too_long.error().message.find("64 tokens"), std::string::npos);
        // Tokens of 14 bytes could hold it: the bound is the template's.
        model.rules.max_positions = 8192;
        const auto refused = prepare_chat(body, model);
        ASSERT_TRUE(refused.has_error());
        EXPECT_EQ(refused.error().code, errc::invalid_value);
        EXPECT_NE(refused.error().message.find("100000 bytes"), std::string::npos);
    }
}

TEST(a_users_text, opens_no_reasoning) {
    constexpr std::size_t without_think = 3;  // the marker has no token, and is looked for as text
    for (const std::size_t num_added : {std::size(added_texts), without_think}) {
        for (const std::string_view source : {ends_with_the_user, ends_with_space}) {
            const auto said = read_answer(model_with(source, num_added), "Say <think>");
            EXPECT_EQ(said.reasoning, "");
            EXPECT_EQ(said.content, "Hm.");
        }
        const auto said = read_answer(model_with(opens_a_thought, num_added), "Hi");
        EXPECT_EQ(said.reasoning, "Hm.") << "the template's own does";
        EXPECT_EQ(said.content, "");
    }
}

std::size_t num_prompt_tokens(const served_model& model, std::string_view body) {
    auto made = prepare_chat(body, model);
    if (made.has_error()) throw std::runtime_error(made.error().message);
    return made.value().prompts.at(0).tokens.size();
}

TEST(a_conversation, tells_the_template_of_a_call_without_content_from_an_empty_answer) {
    const auto model =
        model_with("{% for m in messages %}{{ 'yes' if m.content is none else 'n' }}{% endfor %}");
    const std::size_t one_n = ids_of("n").size(), one_yes = ids_of("yes").size();
    ASSERT_NE(one_n, one_yes);
    EXPECT_EQ(
        num_prompt_tokens(
            model,
            R"({"messages":[{"role":"assistant","content":null,"tool_calls":[)"
            R"({"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]}]})"
        ),
        one_yes
    );
    EXPECT_EQ(
        num_prompt_tokens(model, R"({"messages":[{"role":"assistant","content":null}]})"), one_n
    );
}

TEST(a_conversation, prints_numbers_as_python_reads_them) {
    const auto model = model_with("{{ tools[0].function.parameters.x }}");
    EXPECT_EQ(
        num_prompt_tokens(
            model,
            R"({"messages":[{"role":"user","content":"a"}],"tools":[{"type":"function",)"
            R"("function":{"name":"f","parameters":{"x":0.9371444992670599}}}]})"
        ),
        ids_of("0.9371444992670599").size()
    );
}

}  // namespace
}  // namespace penstock::worker::test
