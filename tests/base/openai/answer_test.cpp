// What each event of a stream is, in every dialect, and the usage that it holds.
#include "penstock/openai/answer.hpp"

#include <gtest/gtest.h>

namespace penstock::openai {
namespace {

using kind = event_facts::kind;

struct seen {
    kind what;
    usage used;
};

seen read(std::string_view event, dialect spoken = dialect::chat, usage before = {}) {
    const event_facts facts = read_event(spoken, event, before);
    return {facts.what, before};
}

seen read_data(std::string_view json, dialect spoken = dialect::chat) {
    return read("data: " + std::string(json) + "\n\n", spoken);
}

std::string delta(std::string_view members) {
    return R"({"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":)"
           R"([{"index":0,"delta":{)" +
           std::string(members) + R"(},"logprobs":null,"finish_reason":null}]})";
}

TEST(read_event, tells_text_from_frames_without_any) {
    EXPECT_EQ(read_data(delta(R"("content":"Hi")")).what, kind::content);
    EXPECT_EQ(read_data(delta(R"("content": " ")")).what, kind::content);
    EXPECT_EQ(read_data(delta(R"("reasoning_content":"hm")")).what, kind::content);
    EXPECT_EQ(read_data(delta(R"("reasoning":"hm")")).what, kind::content);
    EXPECT_EQ(
        read_data(delta(R"("tool_calls":[{"index":0,"function":{"arguments":"{"}}])")).what,
        kind::content
    );
    EXPECT_EQ(read_data(delta(R"("role":"assistant","content":"")")).what, kind::other);
    EXPECT_EQ(read_data(delta(R"("role":"assistant","content":null)")).what, kind::other);
    EXPECT_EQ(read_data(delta(R"("tool_calls":[])")).what, kind::other);
    EXPECT_EQ(read_data(delta("")).what, kind::other);
    EXPECT_EQ(
        read_data(R"({"choices":[{"index":0,"text":"a"}]})", dialect::completions).what,
        kind::content
    );
    EXPECT_EQ(
        read_data(R"({"choices":[{"index":0,"text":""}]})", dialect::completions).what, kind::other
    );
}

TEST(read_event, finds_a_word_at_every_offset) {
    for (std::size_t pad = 0; pad < 40; ++pad) {
        const std::string filler = R"({"x":")" + std::string(pad, 'x') + R"(",)";
        EXPECT_EQ(read_data(filler + R"("content":"a"})").what, kind::content) << pad;
        EXPECT_EQ(read_data(filler + R"("error":1})").what, kind::error) << pad;
        EXPECT_EQ(read_data(filler + R"("content":""})").what, kind::other) << pad;
    }
}

TEST(read_event, knows_comments_and_the_end) {
    EXPECT_EQ(read(": ping\n\n").what, kind::comment);
    EXPECT_EQ(read("\n").what, kind::comment);
    EXPECT_EQ(read("event: x\nid: 1\n\n").what, kind::comment);
    EXPECT_EQ(read("data: [DONE]\n\n").what, kind::done);
    EXPECT_EQ(read("data:[DONE]\r\n\r\n").what, kind::done);
}

TEST(read_event, finds_the_one_event_that_include_usage_causes) {
    const seen event =
        read_data(R"({"id":"c","choices":[],"usage":{"prompt_tokens":9,"total_tokens":12,)"
                  R"("completion_tokens":3,"prompt_tokens_details":{"cached_tokens":4}}})");
    EXPECT_EQ(event.what, kind::usage_only);
    EXPECT_TRUE(event.used.known);
    EXPECT_EQ(event.used.prompt, 9u);
    EXPECT_EQ(event.used.output, 3u);
    EXPECT_EQ(event.used.cached, 4u);
    EXPECT_EQ(read_data(R"({"usage":{"prompt_tokens":1},"choices":[ ]})").what, kind::usage_only);
}

TEST(read_event, leaves_in_the_stream_what_only_resembles_it) {
    EXPECT_EQ(read_data(R"({"choices":[],"usage":null})").what, kind::other);
    EXPECT_EQ(read_data(R"({"choices":[],"prompt_filter_results":[]})").what, kind::other);
    EXPECT_EQ(read_data(R"({"usage":{"prompt_tokens":1}})").what, kind::other);
    EXPECT_EQ(
        read_data(R"({"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":1}})").what,
        kind::content
    );
    EXPECT_EQ(read_data(R"({"choices":[{"usage":{"prompt_tokens":1}}]})").what, kind::other);
}

TEST(read_event, is_not_confused_by_text_that_speaks_of_usage_and_errors) {
    for (std::string_view text :
         {R"("content":"\"usage\":{\"prompt_tokens\":9}")",
          R"("content":"\"error\": {\"a\":1}")",
          R"("content":"usage")",
          R"("content":"{\"choices\":[],\"usage\":{\"prompt_tokens\":9}}")",
          R"("content":"[DONE]")"}) {
        const seen event = read_data(delta(text));
        EXPECT_EQ(event.what, kind::content) << text;
        EXPECT_FALSE(event.used.known) << text;
    }
    EXPECT_EQ(read_data(delta(R"("content":"error")")).what, kind::content);
    EXPECT_EQ(
        read_data(R"({"error":null,"choices":[{"delta":{"content":"a"}}]})").what, kind::content
    );
    EXPECT_EQ(read_data(R"({"choices":[{"delta":{"error":{}}}]})").what, kind::other);
}

TEST(read_event, knows_errors_in_every_shape) {
    EXPECT_EQ(read_data(R"({"error":{"message":"boom"}})").what, kind::error);
    EXPECT_EQ(read_data(R"({"error":"boom"})").what, kind::error);
    EXPECT_EQ(read_data(R"({"object":"error","message":"boom"})").what, kind::error);
    EXPECT_EQ(read("event: error\ndata: anything\n\n").what, kind::error);
    EXPECT_EQ(read_data(R"({"type":"error","error":{}})", dialect::messages).what, kind::error);
    EXPECT_EQ(
        read_data(R"({"type":"response.failed","response":{}})", dialect::responses).what,
        kind::error
    );
}

TEST(read_event, takes_the_last_of_a_running_usage) {
    usage used;
    for (int i = 1; i <= 3; ++i)
        read_event(
            dialect::chat,
            R"(data: {"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":5,)"
            R"("completion_tokens":)" +
                std::to_string(i) + "}}\n\n",
            used
        );
    EXPECT_EQ(used.prompt, 5u);
    EXPECT_EQ(used.output, 3u);
}

TEST(read_event, reads_a_stream_of_anthropic) {
    usage used;
    const auto what = [&](std::string_view name, std::string_view data) {
        const std::string event =
            "event: " + std::string(name) + "\ndata: " + std::string(data) + "\n\n";
        return read_event(dialect::messages, event, used).what;
    };
    EXPECT_EQ(
        what(
            "message_start",
            R"({"type":"message_start","message":{"id":"m","usage":{"input_tokens":10,)"
            R"("cache_read_input_tokens":5,"cache_creation_input_tokens":2,"output_tokens":1}}})"
        ),
        kind::other
    );
    EXPECT_EQ(what("content_block_start", R"({"type":"content_block_start"})"), kind::other);
    EXPECT_EQ(what("ping", R"({"type":"ping"})"), kind::other);
    EXPECT_EQ(what("content_block_delta", R"({"type":"content_block_delta"})"), kind::content);
    EXPECT_EQ(
        what("message_delta", R"({"type":"message_delta","usage":{"output_tokens":42}})"),
        kind::other
    );
    EXPECT_EQ(what("message_stop", R"({"type":"message_stop"})"), kind::done);
    EXPECT_EQ(used.prompt, 17u);
    EXPECT_EQ(used.cached, 5u);
    EXPECT_EQ(used.output, 42u);
    EXPECT_TRUE(used.known);
    EXPECT_EQ(
        read_data(R"({"type":"content_block_delta"})", dialect::messages).what, kind::content
    );
}

TEST(read_event, reads_a_stream_of_responses) {
    const std::string completed =
        R"({"response":{"id":"r","error":null,"usage":{"input_tokens":36,"input_tokens_details":)"
        R"({"cached_tokens":6},"output_tokens":87,"total_tokens":123}},"sequence_number":9,)"
        R"("type":"response.completed"})";
    for (const std::string& event :
         {"event: response.completed\ndata: " + completed + "\n\n", "data: " + completed + "\n\n"
         }) {
        const seen end = read(event, dialect::responses);
        EXPECT_EQ(end.what, kind::done);
        EXPECT_EQ(end.used.prompt, 36u);
        EXPECT_EQ(end.used.cached, 6u);
        EXPECT_EQ(end.used.output, 87u);
    }
    for (std::string_view name :
         {"response.output_text.delta", "response.function_call_arguments.delta"}) {
        const std::string data = R"({"type":")" + std::string(name) + R"(","delta":"a"})";
        EXPECT_EQ(read_data(data, dialect::responses).what, kind::content);
        EXPECT_EQ(
            read("event: " + std::string(name) + "\ndata: {}\n\n", dialect::responses).what,
            kind::content
        );
    }
    EXPECT_EQ(read_data(R"({"type":"response.created"})", dialect::responses).what, kind::other);
}

TEST(read_event, reads_streams_of_transcription) {
    EXPECT_EQ(
        read_data(R"({"type":"transcript.text.delta","delta":"a"})", dialect::transcription).what,
        kind::content
    );
    const seen end = read_data(
        R"({"type":"transcript.text.done","text":"ab","usage":{"type":"tokens","input_tokens":14,)"
        R"("output_tokens":3}})",
        dialect::transcription
    );
    EXPECT_EQ(end.what, kind::done);
    EXPECT_EQ(end.used.prompt, 14u);
    EXPECT_EQ(read_data(delta(R"("content":"a")"), dialect::transcription).what, kind::content);
}

TEST(read_event, joins_data_of_several_lines) {
    const seen event = read(
        "data: {\"choices\":[],\ndata: "
        "\"usage\":{\"prompt_tokens\":9,\ndata:\"completion_tokens\":3}}\n\n"
    );
    EXPECT_EQ(event.what, kind::usage_only);
    EXPECT_EQ(event.used.prompt, 9u);
}

TEST(read_event, takes_any_line_end_and_spacing) {
    for (std::string_view event :
         {"data: {\"content\":\"a\"}\n\n",
          "data:{\"content\":\"a\"}\r\n\r\n",
          "\xEF\xBB\xBF"
          "data: {\"content\":\"a\"}\r\r",
          ": x\ndata: {\"content\":\"a\"}\n\n",
          "data: {\rdata: \"content\":\"a\"}\n\n",
          "data: {\"content\":\"a\"}\nid: 7\n\n",
          "data: {\"content\":\"a\"}\n",
          "data: {\"content\":\"a\"}"})
        EXPECT_EQ(read(event).what, kind::content) << event;
}

TEST(read_event, survives_what_is_no_json) {
    for (std::string_view data :
         {"",
          "{",
          "\"usage\"",
          "{\"usage\":",
          "{\"usage\":{\"prompt_tokens\":",
          "<html>",
          "{\"error\"",
          "{\"content\":\""})
        EXPECT_NE(read_data(data).what, kind::usage_only) << data;
}

TEST(cannot_be_usage_only, stays_in_doubt_until_a_choice_begins) {
    const std::string event = "data: " + delta(R"("content":"a")");
    const std::size_t sure = event.find("[{") + 2;
    for (std::size_t size = 0; size <= event.size(); ++size)
        EXPECT_EQ(cannot_be_usage_only(event.substr(0, size)), size >= sure) << size;
}

TEST(cannot_be_usage_only, never_lets_the_one_event_through) {
    const std::string event =
        R"(data: {"id":"choices", "choices" : [ ] , "usage":{"prompt_tokens":9}})";
    for (std::size_t size = 0; size <= event.size(); ++size)
        EXPECT_FALSE(cannot_be_usage_only(event.substr(0, size))) << size;
}

TEST(cannot_be_usage_only, knows_what_is_no_object) {
    EXPECT_TRUE(cannot_be_usage_only("data: [DO"));
    EXPECT_TRUE(cannot_be_usage_only("event: x\ndata: plain"));
    EXPECT_FALSE(cannot_be_usage_only("data: "));
    EXPECT_FALSE(cannot_be_usage_only(": comment"));
}

}  // namespace
}  // namespace penstock::openai
