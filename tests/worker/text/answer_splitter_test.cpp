// An answer's reasoning, content and calls, however the answer is cut.
#include "worker/text/answer_splitter.hpp"

#include <gtest/gtest.h>

#include <random>
#include <utility>

namespace penstock::worker {
namespace {

using kind = answer_piece::kind;

// "think:…", "text:…", "0 name:…", "0 arguments:…": pieces, neighbours of one kind joined.
std::vector<std::string> described(const std::vector<answer_piece>& pieces) {
    std::vector<std::string> out;
    std::string last;
    for (const answer_piece& piece : pieces) {
        std::string label = piece.what == kind::reasoning ? "think:" : "text:";
        if (piece.what == kind::call_name) label = std::to_string(piece.call) + " name:";
        if (piece.what == kind::call_arguments) label = std::to_string(piece.call) + " arguments:";
        if (label == last && piece.what != kind::call_name)
            out.back() += piece.text;
        else
            out.push_back(label + piece.text);
        last = label;
    }
    return out;
}

using pieces = std::vector<std::string>;

constexpr std::string_view markers[] = {"<think>", "</think>", "<tool_call>", "</tool_call>"};

// The answer as tokens: markers whole, the text between them as it is.
std::vector<std::pair<std::string, bool>> tokens_of(std::string_view answer) {
    std::vector<std::pair<std::string, bool>> out;
    std::string plain;
    for (std::size_t at = 0; at < answer.size();) {
        std::size_t length = 0;
        for (const std::string_view marker : markers)
            if (answer.substr(at).starts_with(marker)) length = marker.size();
        if (length == 0) {
            plain += answer[at++];
            continue;
        }
        if (!plain.empty()) out.emplace_back(std::exchange(plain, {}), false);
        out.emplace_back(answer.substr(at, length), true);
        at += length;
    }
    if (!plain.empty()) out.emplace_back(plain, false);
    return out;
}

answer_marker marker_of(std::string_view text) {
    for (int i = 0; i < 4; ++i)
        if (markers[i] == text) return static_cast<answer_marker>(i);
    return answer_marker::think;
}

// `cut` says after how many more bytes a piece of text ends.
template <class Cut>
pieces split(std::string_view answer, const splitter_options& options, Cut cut) {
    answer_splitter splitter(options);
    std::vector<answer_piece> out;
    const auto push = [&](std::string_view text) {
        while (!text.empty()) {
            const std::size_t size =
                std::min<std::size_t>(std::max<std::size_t>(cut(), 1), text.size());
            splitter.push(text.substr(0, size), out);
            text.remove_prefix(size);
        }
    };
    if (options.markers_in_text) {
        push(answer);
    } else {
        for (const auto& [text, is_marker] : tokens_of(answer))
            is_marker ? splitter.push_marker(marker_of(text), out) : push(text);
    }
    splitter.finish(out);
    return described(out);
}

pieces split(std::string_view answer, const splitter_options& options) {
    return split(answer, options, [] { return std::size_t{1} << 20; });
}

constexpr splitter_options both{.reasoning = true, .tool_calls = true};

std::string call(std::string_view body) {
    return "<tool_call>\n" + std::string(body) + "\n</tool_call>";
}

struct example {
    std::string answer;
    pieces expected;
    std::string tail;
};

const std::vector<example>& examples() {
    static const std::vector<example> all = {
        {"", {}},
        {"Hello\nworld\n", {"text:Hello\nworld\n"}},
        {"<think>\nhm\n</think>\n\nyes", {"think:hm", "text:\nyes"}},
        {"<think></think>yes", {"text:yes"}},
        {"<think>\nhm", {"think:hm"}},
        {"<think>\na\n\nb\n\n</think>\nc", {"think:a\n\nb\n", "text:c"}},
        {"hm\n</think>\nyes", {"think:hm", "text:yes"}, "<|im_start|>assistant\n<think>\n"},
        {"\nhm</think>yes", {"think:hm", "text:yes"}, "<|Assistant|><think>"},
        {"\nhm</think>yes", {"think:\nhm", "text:yes"}, "<think>\n"},
        {"yes</think>", {"text:yes</think>"}, "<think>\n\n</think>\n\n"},
        {"yes", {"text:yes"}, "what is <think>?\n"},
        {"<think>hm</think>yes", {"think:hm", "text:yes"}, "<think>\n"},
        {"a<think>b<think>c</think>d", {"text:a", "think:b<think>c", "text:d"}},
        {"<think>a<tool_call>b</tool_call></think>", {"think:a<tool_call>b</tool_call>"}},
        {call(R"({"name": "f", "arguments": {"a": [1, {"b": "}\"]"}]}})"),
         {"0 name:f", R"(0 arguments:{"a": [1, {"b": "}\"]"}]})"}},
        {"Let me see.\n" + call(R"({"name":"f","arguments":{}})") + "\n" +
             call(R"({"name":"g\u00fc","arguments":{"x":1.5e-3}})"),
         {"text:Let me see.",
          "0 name:f",
          "0 arguments:{}",
          "1 name:gü",
          R"(1 arguments:{"x":1.5e-3})"}},
        {call(R"({"arguments": {"a": 1}, "name": "f"})"), {"0 name:f", R"(0 arguments:{"a": 1})"}},
        {call(R"({"name": "f"})"), {"0 name:f", "0 arguments:{}"}},
        {call(R"({"id": 7, "name": "f", "extra": [{}], "arguments": 12 , "more": null})"),
         {"0 name:f", "0 arguments:12"}},
        {call(R"({"name": "f", "arguments": "{\"a\": 1}"})"),
         {"0 name:f", R"(0 arguments:"{\"a\": 1}")"}},
        {call("not json"), {"text:<tool_call>\nnot json\n</tool_call>"}},
        {"a\n" + call(R"({"name": 5, "arguments": {}})") + "\nb",
         {"text:a\n<tool_call>\n{\"name\": 5, \"arguments\": {}}\n</tool_call>\nb"}},
        {call(R"({"arguments": {}})"), {"text:<tool_call>\n{\"arguments\": {}}\n</tool_call>"}},
        {call(R"([{"name": "f"}])"), {"text:<tool_call>\n[{\"name\": \"f\"}]\n</tool_call>"}},
        {"<tool_call>\n{\"na", {"text:<tool_call>\n{\"na"}},
        {"x\n<tool_call>", {"text:x\n<tool_call>"}},
        {"<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": \"b",
         {"0 name:f", "0 arguments:{\"a\": \"b"}},
        {call(R"({"name": "f", "arguments": {"a": oops}})"),
         {"0 name:f", "0 arguments:{\"a\": oops}}\n"}},
        {call(R"({"name": "f", "arguments": {"a": 1}}})") + "\nbye",
         {"0 name:f", R"(0 arguments:{"a": 1})", "text:}bye"}},
        {call(R"({"name": "f", "arguments": {"a": "x</tool_call>y<think>"}})"),
         {"0 name:f", R"(0 arguments:{"a": "x</tool_call>y<think>"})"}},
        {"<tool_call>\n{\"name\"<tool_call>{\"name\":\"f\",\"arguments\":{}}",
         {"text:<tool_call>\n{\"name\"", "0 name:f", "0 arguments:{}"}},
        {"<tool_call>\n{\"name\": \"f\", \"arguments\": {\"line\": \"a\nb\"}}\n</tool_call>",
         {"0 name:f", "0 arguments:{\"line\": \"a\nb\"}"}},
        {"<think>\nhm\n</think>\n\n" + call(R"({"name":"f","arguments":{}})") + "\n\nDone.\n",
         {"think:hm", "0 name:f", "0 arguments:{}", "text:\nDone.\n"}},
        {"a < b <t <tool </think", {"text:a < b <t <tool </think"}},
    };
    return all;
}

TEST(answer_splitter, gives_the_same_pieces_however_the_answer_is_cut) {
    std::mt19937 draw(7);
    for (const example& one : examples())
        for (const bool in_text : {false, true}) {
            splitter_options options = both;
            options.prompt_tail = one.tail;
            options.markers_in_text = in_text;
            const std::string label = one.answer + (in_text ? " (in text)" : "");
            EXPECT_EQ(split(one.answer, options), one.expected) << label;
            EXPECT_EQ(split(one.answer, options, [] { return 1; }), one.expected) << label;
            for (std::size_t at = 1; at < one.answer.size(); ++at) {
                bool first = true;
                const auto cut = [&] {
                    return std::exchange(first, false) ? at : one.answer.size();
                };
                EXPECT_EQ(split(one.answer, options, cut), one.expected) << label << " at " << at;
            }
            for (int round = 0; round < 50; ++round)
                EXPECT_EQ(split(one.answer, options, [&] { return draw() % 9; }), one.expected);
        }
}

TEST(answer_splitter, knows_only_the_markers_it_was_told_of) {
    const std::string answer = "<think>a</think>\n" + call(R"({"name":"f","arguments":{}})");
    for (const bool in_text : {false, true}) {
        splitter_options options{.markers_in_text = in_text};
        EXPECT_EQ(split(answer, options), pieces{"text:" + answer});
        options.reasoning = true;
        EXPECT_EQ(
            split(answer, options),
            (pieces{"think:a", "text:" + call(R"({"name":"f","arguments":{}})")})
        );
        options = {.tool_calls = true, .markers_in_text = in_text};
        EXPECT_EQ(
            split(answer, options), (pieces{"text:<think>a</think>", "0 name:f", "0 arguments:{}"})
        );
    }
}

TEST(answer_splitter, takes_markers_in_the_text_for_text_when_they_are_tokens) {
    answer_splitter splitter(both);
    std::vector<answer_piece> out;
    splitter.push("<think>a</think><tool_call>{}</tool_call>", out);
    splitter.finish(out);
    EXPECT_EQ(described(out), pieces{"text:<think>a</think><tool_call>{}</tool_call>"});
}

TEST(answer_splitter, gives_a_name_out_as_soon_as_it_is_complete) {
    answer_splitter splitter(both);
    std::vector<answer_piece> out;
    splitter.push_marker(answer_marker::tool_call, out);
    splitter.push("\n{\"name\": \"f", out);
    EXPECT_TRUE(out.empty());
    EXPECT_EQ(splitter.num_calls(), 0u);
    splitter.push("\"", out);
    EXPECT_EQ(described(out), pieces{"0 name:f"});
    EXPECT_EQ(splitter.num_calls(), 1u);
    splitter.push(", \"arguments\": {\"a\"", out);
    EXPECT_EQ(described(out), (pieces{"0 name:f", "0 arguments:{\"a\""}));
}

TEST(answer_splitter, gives_a_call_back_that_grows_too_large_before_it_has_a_name) {
    splitter_options options = both;
    options.call_bytes = 64;
    const std::string body =
        R"({"arguments": {"a": ")" + std::string(100, 'x') + R"("}, "name": "f"})";
    EXPECT_EQ(split(call(body), options), pieces{"text:" + call(body)});
    const std::string named =
        R"({"name": "f", "arguments": {"a": ")" + std::string(100, 'x') + R"("}})";
    EXPECT_EQ(split(call(named), options).size(), 2u);
}

TEST(answer_splitter, refuses_a_body_that_nests_without_end) {
    const std::string body = R"({"a": )" + std::string(100'000, '[');
    EXPECT_EQ(split("<tool_call>" + body, both), pieces{"text:<tool_call>" + body});
}

// Whatever comes, each byte of the answer is given out, but for white space around markers and what
// is spelled in a call's own body.
TEST(answer_splitter, loses_nothing_of_an_answer_without_calls) {
    std::mt19937 draw(11);
    constexpr std::string_view words[] = {
        "<think>", "</think>", "<tool_call>", "</tool_call>", "a", "{", "[", "<", "</", "b c"
    };
    for (int round = 0; round < 2000; ++round) {
        std::string answer;
        for (int i = 0; i < 8; ++i)
            answer += words[draw() % std::size(words)];
        for (const bool in_text : {false, true}) {
            splitter_options options{.tool_calls = true, .markers_in_text = in_text};
            std::string joined;
            for (const std::string& piece : split(answer, options, [&] { return draw() % 5; }))
                joined += piece.substr(piece.find(':') + 1);
            EXPECT_EQ(joined, answer);
        }
    }
}

}  // namespace
}  // namespace penstock::worker
