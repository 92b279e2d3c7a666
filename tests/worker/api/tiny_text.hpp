// A tokenizer with one token for each byte, the added tokens of Qwen's models, and a chat template:
// ids and texts can be worked out by hand.
#pragma once

#include "worker/text/chat_template.hpp"
#include "worker/text/tokenizer.hpp"

#include <boost/json.hpp>

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::worker::test {

// The id of a byte is the byte. Behind them:
enum added_id : token_id {
    end_of_text = 256,
    im_start,
    im_end,
    think,
    end_think,
    tool_call,
    end_tool_call,
    fim_prefix,
    fim_middle,
    fim_suffix,
    num_tokens,
};

struct added_text {
    const char* text;
    bool special;
};

inline constexpr added_text added_texts[] = {
    {"<|endoftext|>", true},
    {"<|im_start|>", true},
    {"<|im_end|>", true},
    {"<think>", false},
    {"</think>", false},
    {"<tool_call>", false},
    {"</tool_call>", false},
    {"<|fim_prefix|>", false},
    {"<|fim_middle|>", false},
    {"<|fim_suffix|>", false},
};

// How GPT-2 spells a byte: printable ones as they are, the others from U+0100 on, in order.
inline std::string spelled(unsigned byte) {
    const auto is_plain = [](unsigned b) {
        return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255);
    };
    unsigned code = byte;
    if (!is_plain(byte)) {
        code = 256;
        for (unsigned b = 0; b < byte; ++b)
            code += !is_plain(b);
    }
    if (code < 128) return {static_cast<char>(code)};
    return {static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 63))};
}

// `num_added`: of the added tokens, from the first on.
inline std::string tokenizer_json(std::size_t num_added = std::size(added_texts)) {
    namespace json = boost::json;
    json::object vocabulary;
    for (unsigned byte = 0; byte < 256; ++byte)
        vocabulary[spelled(byte)] = byte;
    json::array added;
    for (std::size_t i = 0; i < num_added; ++i)
        added.push_back(json::object{
            {"id", 256 + i},
            {"content", added_texts[i].text},
            {"single_word", false},
            {"lstrip", false},
            {"rstrip", false},
            {"normalized", false},
            {"special", added_texts[i].special},
        });
    const char* regex =
        R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
        R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";
    const json::object bytes{
        {"type", "ByteLevel"},
        {"add_prefix_space", false},
        {"trim_offsets", false},
        {"use_regex", false}
    };
    const json::object split{
        {"type", "Split"},
        {"pattern", {{"Regex", regex}}},
        {"behavior", "Isolated"},
        {"invert", false}
    };
    return json::serialize(json::object{
        {"version", "1.0"},
        {"truncation", nullptr},
        {"padding", nullptr},
        {"added_tokens", added},
        {"normalizer", {{"type", "NFC"}}},
        {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", json::array{split, bytes}}}},
        {"post_processor", bytes},
        {"decoder", bytes},
        {"model",
         {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", nullptr},
          {"continuing_subword_prefix", ""},
          {"end_of_word_suffix", ""},
          {"fuse_unk", false},
          {"byte_fallback", false},
          {"vocab", vocabulary},
          {"merges", json::array{}}}},
    });
}

inline constexpr std::string_view template_text =
    "{%- if tools %}<|im_start|>system\n{% for tool in tools %}{{ tool | tojson }}\n{% endfor %}"
    "<|im_end|>\n{% endif %}"
    "{%- for message in messages %}"
    "<|im_start|>{{ message.role }}\n{{ message.content }}"
    "{%- for call in message.tool_calls or [] %}"
    "<tool_call>{{ call.function.name }}{{ call.function.arguments | tojson }}</tool_call>"
    "{%- endfor %}<|im_end|>\n"
    "{% endfor %}"
    "{%- if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if think %}<think>\n{% endif %}{% endif %}";

template <class T>
T must(result<T> made) {
    if (made.has_error()) throw std::runtime_error(made.error().detail);
    return std::move(made).value();
}

inline tokenizer tiny_tokenizer(std::size_t num_added = std::size(added_texts)) {
    return must(tokenizer::parse(tokenizer_json(num_added)));
}

inline chat_template tiny_template() {
    return must(chat_template::parse(template_text, {}));
}

// The ids of a text's bytes.
inline std::vector<token_id> ids_of(std::string_view text) {
    std::vector<token_id> ids;
    for (const char c : text)
        ids.push_back(static_cast<unsigned char>(c));
    return ids;
}

}  // namespace penstock::worker::test
