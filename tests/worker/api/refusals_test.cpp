// Requests that cannot be served: the status, the code and the field at fault.
#include "worker/api/running_front.hpp"

namespace penstock::worker::test {
namespace {

struct refused_body {
    std::string_view path;
    std::string body;
    std::string param;
    std::string code;
};

void expect_refused(const running_front& front, const refused_body& each) {
    const response got = front.ask(post(each.path, each.body));
    EXPECT_EQ(got.status, each.code == "model_not_found" ? 404 : 400) << each.body;
    const auto parsed = json::parse(got.body);
    const auto& error = parsed.at("error").as_object();
    EXPECT_EQ(error.at("type"), "invalid_request_error") << each.body;
    EXPECT_EQ(text_in(error.at("code")), each.code) << each.body << got.body;
    if (each.param.empty())
        EXPECT_TRUE(error.at("param").is_null()) << each.body << got.body;
    else
        EXPECT_EQ(text_in(error.at("param")), each.param) << each.body << got.body;
    EXPECT_FALSE(error.at("message").as_string().empty());
}

constexpr const char* type_code = "invalid_type";
constexpr const char* value_code = "invalid_value";
constexpr const char* missing_code = "missing_required_parameter";

// For every field a value of each JSON type that it must not have.
TEST(a_wrong_type, is_refused_naming_the_field) {
    running_front front;
    const std::pair<const char*, std::vector<const char*>> fields[] = {
        {"model", {"7", "true", "[]", "{}"}},
        {"temperature", {"\"1\"", "true", "[]", "{}"}},
        {"top_p", {"\"1\"", "true", "[]", "{}"}},
        {"top_k", {"\"1\"", "1.5", "true", "[]", "{}"}},
        {"min_p", {"\"1\"", "true", "[]", "{}"}},
        {"repetition_penalty", {"\"1\"", "true", "[]", "{}"}},
        {"frequency_penalty", {"\"1\"", "true", "[]", "{}"}},
        {"presence_penalty", {"\"1\"", "true", "[]", "{}"}},
        {"logit_bias", {"\"1\"", "1", "true", "[]"}},
        {"seed", {"\"1\"", "1.5", "true", "[]", "{}"}},
        {"n", {"\"1\"", "1.5", "true", "[]", "{}"}},
        {"stop", {"1", "true", "{}"}},
        {"stop_token_ids", {"\"1\"", "1", "true", "{}"}},
        {"max_tokens", {"\"1\"", "1.5", "true", "[]", "{}"}},
        {"max_completion_tokens", {"\"1\"", "1.5", "true", "[]", "{}"}},
        {"min_tokens", {"\"1\"", "1.5", "true", "[]", "{}"}},
        {"logprobs", {"\"1\"", "1", "[]", "{}"}},
        {"top_logprobs", {"\"1\"", "1.5", "true", "[]", "{}"}},
        {"stream", {"\"true\"", "1", "[]", "{}"}},
        {"stream_options", {"\"1\"", "1", "true", "[]"}},
        {"ignore_eos", {"\"1\"", "1", "[]", "{}"}},
        {"response_format", {"\"text\"", "1", "true", "[]"}},
        {"tools", {"\"1\"", "1", "true", "{}"}},
        {"tool_choice", {"1", "true", "[]"}},
        {"chat_template_kwargs", {"\"1\"", "1", "true", "[]"}},
        {"add_generation_prompt", {"\"1\"", "1", "[]", "{}"}},
        {"cache_salt", {"1", "true", "[]", "{}"}},
    };
    for (const auto& [name, values] : fields)
        for (const char* value : values)
            expect_refused(
                front,
                {chat_path, chat_body("\"" + std::string(name) + "\":" + value), name, type_code}
            );
    EXPECT_TRUE(front.speaker().submitted().empty());
}

TEST(null, means_that_a_field_is_not_there) {
    running_front front;
    std::string more;
    for (const char* name :
         {"temperature",
          "top_p",
          "n",
          "stop",
          "max_tokens",
          "logit_bias",
          "seed",
          "tools",
          "tool_choice",
          "response_format",
          "stream_options",
          "logprobs",
          "top_logprobs",
          "stream",
          "user",
          "functions"})
        more += (more.empty() ? "\"" : ",\"") + std::string(name) + "\":null";
    EXPECT_EQ(front.ask(post(chat_path, chat_body(more))).status, 200);
}

TEST(an_unknown_field, is_ignored) {
    running_front front;
    const auto got = front.ask(post(chat_path, chat_body(R"("user":"u","metadata":{},"new":[1])")));
    EXPECT_EQ(got.status, 200);
}

TEST(a_value_out_of_range, is_refused_naming_the_field) {
    running_front front;
    const std::pair<const char*, std::vector<const char*>> fields[] = {
        {"temperature", {"-0.1", "2.1"}},
        {"top_p", {"-0.1", "1.1"}},
        {"top_k", {"-2", "1e300", "99999999999"}},
        {"min_p", {"-0.1", "1.1"}},
        {"repetition_penalty", {"0", "-1", "11"}},
        {"frequency_penalty", {"-2.1", "2.1"}},
        {"presence_penalty", {"-2.1", "2.1"}},
        {"n", {"0", "-1", "17"}},
        {"max_tokens", {"0", "-1", "18446744073709551615"}},
        {"min_tokens", {"-1"}},
        {"top_logprobs", {"-1", "21", "1"}},
        {"stop", {"\"\"", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]"}},
        {"tool_choice", {"\"required\"", "\"maybe\"", "{\"type\":\"function\"}"}},
        {"best_of", {"2"}},
        {"guided_json", {"{}"}},
        {"guided_regex", {"\"a\""}},
        {"use_beam_search", {"true"}},
        {"functions", {"[]"}},
        {"chat_template", {"\"x\""}},
    };
    for (const auto& [name, values] : fields)
        for (const char* value : values) {
            // Only "top_k": 1e300 is no integer at all.
            const bool no_integer = std::string_view(value) == "1e300";
            expect_refused(
                front,
                {chat_path,
                 chat_body("\"" + std::string(name) + "\":" + value),
                 name,
                 no_integer ? type_code : value_code}
            );
        }
}

TEST(an_element, is_refused_by_its_place) {
    running_front front;
    const auto messages = [](std::string_view list) {
        return R"({"messages":)" + std::string(list) + "}";
    };
    const std::vector<refused_body> bodies = {
        {chat_path, "{}", "messages", missing_code},
        {chat_path, messages("[]"), "messages", value_code},
        {chat_path, messages("{}"), "messages", type_code},
        {chat_path, messages("[1]"), "messages[0]", type_code},
        {chat_path, messages("[{}]"), "messages[0].role", missing_code},
        {chat_path, messages(R"([{"role":"god","content":"x"}])"), "messages[0].role", value_code},
        {chat_path, messages(R"([{"role":"user"}])"), "messages[0].content", missing_code},
        {chat_path,
         messages(R"([{"role":"user","content":"x"},{"role":"user","content":7}])"),
         "messages[1].content",
         type_code},
        {chat_path,
         messages(R"([{"role":"user","content":["x"]}])"),
         "messages[0].content[0]",
         type_code},
        {chat_path,
         messages(R"([{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}])"),
         "messages[0].content[0].type",
         value_code},
        {chat_path,
         messages(R"([{"role":"user","content":[{"type":"text"}]}])"),
         "messages[0].content[0].text",
         missing_code},
        {chat_path,
         messages(
             R"([{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"["}}]}])"
         ),
         "messages[0].tool_calls[0].function.arguments",
         value_code},
        {chat_path,
         messages(R"([{"role":"assistant","tool_calls":[{"function":{"arguments":"{}"}}]}])"),
         "messages[0].tool_calls[0].function.name",
         missing_code},
        {chat_path,
         messages(R"([{"role":"assistant","tool_calls":[{}]}])"),
         "messages[0].tool_calls[0].function",
         missing_code},
        {chat_path, chat_body(R"("tools":[7])"), "tools[0]", type_code},
        {chat_path, chat_body(R"("tools":[{"type":"code"}])"), "tools[0].type", value_code},
        {chat_path,
         chat_body(R"("tools":[{"type":"function","function":{}}])"),
         "tools[0].function.name",
         missing_code},
        {chat_path,
         chat_body(R"("tools":[{"type":"function","function":{"name":"f","parameters":[]}}])"),
         "tools[0].function.parameters",
         type_code},
        {chat_path, chat_body(R"("stop":["a",7])"), "stop[1]", type_code},
        {chat_path, chat_body(R"("stop":["a",""])"), "stop[1]", value_code},
        {chat_path, chat_body(R"("stop_token_ids":[1,"a"])"), "stop_token_ids[1]", type_code},
        {chat_path, chat_body(R"("stop_token_ids":[266])"), "stop_token_ids[0]", value_code},
        {chat_path, chat_body(R"("logit_bias":{"cat":1})"), "logit_bias.cat", value_code},
        {chat_path, chat_body(R"("logit_bias":{"266":1})"), "logit_bias.266", value_code},
        {chat_path, chat_body(R"("logit_bias":{"1":"x"})"), "logit_bias.1", type_code},
        {chat_path, chat_body(R"("logit_bias":{"1":101})"), "logit_bias.1", value_code},
        {chat_path,
         chat_body(R"("response_format":{"type":"json_object"})"),
         "response_format.type",
         value_code},
        {chat_path, chat_body(R"("response_format":{})"), "response_format.type", missing_code},
        {chat_path,
         chat_body(R"("stream_options":{"include_usage":true})"),
         "stream_options",
         value_code},
        {chat_path, chat_body(R"("max_tokens":2,"min_tokens":3)"), "min_tokens", value_code},
        {chat_path,
         chat_body(R"("chat_template_kwargs":{"tools":[]})"),
         "chat_template_kwargs.tools",
         "ambiguous_field"},
        {completion_path, "{}", "prompt", missing_code},
        {completion_path, R"({"prompt":7})", "prompt", type_code},
        {completion_path, R"({"prompt":{}})", "prompt", type_code},
        {completion_path, R"({"prompt":[]})", "prompt", value_code},
        {completion_path, R"({"prompt":""})", "prompt", value_code},
        {completion_path, R"({"prompt":[1,"a"]})", "prompt[1]", type_code},
        {completion_path, R"({"prompt":[1,-2]})", "prompt[1]", value_code},
        {completion_path, R"({"prompt":[266]})", "prompt[0]", value_code},
        {completion_path, R"({"prompt":["a",[1,true]]})", "prompt[1][1]", type_code},
        {completion_path, R"({"prompt":["a",[]]})", "prompt[1]", value_code},
        {completion_path, R"({"prompt":["a","b"],"n":9})", "n", value_code},
        {completion_path, R"({"prompt":"a","suffix":7})", "suffix", type_code},
        {completion_path, R"({"prompt":[1],"suffix":"b"})", "suffix", value_code},
        {completion_path, R"({"prompt":"a","echo":true})", "echo", value_code},
        {completion_path, R"({"prompt":"a","logprobs":6})", "logprobs", value_code},
        {completion_path, R"({"prompt":"a","logprobs":true})", "logprobs", type_code},
        {"/tokenize", "{}", "prompt", missing_code},
        {"/tokenize", R"({"prompt":7})", "prompt", type_code},
        {"/detokenize", "{}", "tokens", missing_code},
        {"/detokenize", R"({"tokens":[1,"a"]})", "tokens[1]", type_code},
        {"/detokenize", R"({"tokens":[266]})", "tokens[0]", value_code},
    };
    for (const auto& each : bodies)
        expect_refused(front, each);
}

TEST(a_body, that_is_no_json_object_is_refused) {
    running_front front;
    for (const char* body :
         {"", "{", "nonsense", "{} {}", "{\"a\":\"\x80\"}", "{\"a\":\"\\ud800\"}"})
        expect_refused(front, {chat_path, body, "", "invalid_json"});
    expect_refused(front, {chat_path, "[]", "", type_code});
    expect_refused(
        front, {chat_path, std::string(1000, '[') + std::string(1000, ']'), "", "json_too_deep"}
    );
}

TEST(an_encoded_body, is_415_naming_its_encoding) {
    running_front front;
    test_client client(front.port());
    for (const char* route : {"/v1/chat/completions", "/v1/completions", "/tokenize"})
        for (const char* encoding : {"gzip", "GZIP, identity", "br"}) {
            const auto got =
                client.exchange(post(route, "\x1f\x8b", {{"Content-Encoding", encoding}}));
            EXPECT_EQ(got.status, 415);
            EXPECT_EQ(got.header("accept-encoding"), "identity");
            const auto error = json::parse(got.body).at("error").as_object();
            EXPECT_EQ(error.at("type"), "invalid_request_error");
            EXPECT_EQ(error.at("code"), "unsupported_content_encoding");
            EXPECT_NE(text_in(error.at("message")).find(encoding), std::string::npos) << got.body;
        }
    const auto plain =
        client.exchange(post(chat_path, chat_body(), {{"content-encoding", "Identity"}}));
    EXPECT_EQ(plain.status, 200) << "and the connection was kept";
    const auto bare = client.exchange(get("/health", {{"content-encoding", "gzip"}}));
    EXPECT_EQ(bare.status, 200) << "there is no body";
}

TEST(another_model, is_not_found) {
    running_front front;
    expect_refused(front, {chat_path, chat_body(R"("model":"huge")"), "model", "model_not_found"});
}

TEST(a_context_that_overflows, is_refused_naming_what_is_too_long) {
    running_front front([](const generation&) { return say("x"); }, {}, 64);
    const std::string code = "context_length_exceeded";
    const std::string long_text(100, 'x');
    expect_refused(
        front,
        {chat_path,
         R"({"messages":[{"role":"user","content":")" + long_text + R"("}]})",
         "messages",
         code}
    );
    expect_refused(front, {chat_path, chat_body(R"("max_tokens":60)"), "max_tokens", code});
    expect_refused(
        front,
        {chat_path, chat_body(R"("max_completion_tokens":60)"), "max_completion_tokens", code}
    );
    expect_refused(front, {chat_path, chat_body(R"("min_tokens":60)"), "min_tokens", code});
    expect_refused(front, {completion_path, R"({"prompt":")" + long_text + "\"}", "prompt", code});
    expect_refused(
        front, {completion_path, R"({"prompt":["a",")" + long_text + "\"]}", "prompt[1]", code}
    );
    EXPECT_TRUE(front.speaker().submitted().empty());
}

TEST(a_class, that_is_none_is_refused) {
    running_front front;
    const auto got = front.ask(post(chat_path, chat_body(), {{"x-penstock-class", "urgent"}}));
    EXPECT_EQ(got.status, 400);
    EXPECT_NE(got.body.find(R"("param":"x-penstock-class")"), std::string::npos);
}

TEST(a_full_queue, is_503_with_a_time_to_come_back) {
    running_front front;
    engine_state state;
    state.realtime.q_tokens_prefill = 50'000;
    state.prefill_tokens_per_second = 10'000;
    front.speaker().set_state(state);
    front.speaker().let(0);
    front.speaker().refuse(2, errc::queue_full);
    const auto got = front.ask(post(chat_path, chat_body(R"("n":3,"stream":true)")));
    EXPECT_EQ(got.status, 503);
    EXPECT_EQ(got.header("retry-after"), "5");
    EXPECT_EQ(got.header("content-type"), "application/json");
    EXPECT_NE(got.body.find("queue_full"), std::string::npos);
    EXPECT_TRUE(eventually([&] { return front.speaker().num_aborted() == 2; }))
        << "all choices or none";
}

TEST(a_stopped_engine, is_503) {
    running_front front;
    front.speaker().refuse(0, errc::upstream_failed);
    const auto got = front.ask(post(chat_path, chat_body()));
    EXPECT_EQ(got.status, 503);
    EXPECT_NE(got.body.find("has stopped"), std::string::npos);
}

TEST(an_engine_that_fails, ends_an_answer_with_an_error) {
    const auto fails_after = [](std::string_view text) {
        return [text](const generation&) { return script{ids_of(text), 0, finish::failed}; };
    };
    {
        running_front front(fails_after(""));
        EXPECT_EQ(front.ask(post(chat_path, chat_body())).status, 500);
        const auto streamed = front.ask(post(chat_path, chat_body(R"("stream":true)")));
        EXPECT_EQ(streamed.status, 500) << "nothing had been said";
    }
    running_front front(fails_after("Hel"));
    front.speaker().let(2);
    test_client client(front.port());
    client.send(post(chat_path, chat_body(R"("stream":true)")));
    EXPECT_EQ(client.read_head().status, 200);
    front.speaker().let(fake_engine::everything);
    const std::string rest = client.read_rest();
    EXPECT_NE(rest.find(R"(data: {"error":{)"), std::string::npos) << rest;
    EXPECT_EQ(rest.find("[DONE]"), std::string::npos);
}

}  // namespace
}  // namespace penstock::worker::test
