// A tokenizer.json that can be worked out by hand: one token for each byte, and what is added.
#pragma once

#include "worker/text/byte_level.hpp"
#include "worker/text/tokenizer.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace penstock::worker {

inline constexpr std::string_view qwen_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";
inline constexpr std::string_view llama_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";

inline boost::json::object added_token_json(
    token_id id, std::string_view content, std::initializer_list<std::string_view> flags
) {
    boost::json::object token{{"id", id}, {"content", content}};
    for (const std::string_view flag : {"single_word", "lstrip", "rstrip", "normalized", "special"})
        token[flag] = std::find(flags.begin(), flags.end(), flag) != flags.end();
    return token;
}

inline std::string spelled(std::string_view bytes) {
    std::string text;
    for (const char byte : bytes)
        text += spelling_of(static_cast<std::uint8_t>(byte));
    return text;
}

inline constexpr token_id merged_ids = 256;  // ids of merges begin here; before them, the bytes

// A file whose token for a byte is the byte, with `merges` of bytes in their order.
inline boost::json::object small_file(
    std::initializer_list<std::pair<std::string_view, std::string_view>> merges = {},
    boost::json::array added = {}
) {
    namespace json = boost::json;
    json::object vocabulary;
    for (int byte = 0; byte < 256; ++byte)
        vocabulary[spelling_of(static_cast<std::uint8_t>(byte))] = byte;
    json::array pairs;
    for (const auto& [left, right] : merges) {
        vocabulary.emplace(spelled(left) + spelled(right), vocabulary.size());
        pairs.push_back(json::array{spelled(left), spelled(right)});
    }
    const json::object bytes{
        {"type", "ByteLevel"},
        {"add_prefix_space", false},
        {"trim_offsets", false},
        {"use_regex", false}
    };
    const json::object split{
        {"type", "Split"},
        {"pattern", {{"Regex", qwen_pattern}}},
        {"behavior", "Isolated"},
        {"invert", false}
    };
    return {
        {"version", "1.0"},
        {"truncation", nullptr},
        {"padding", nullptr},
        {"added_tokens", std::move(added)},
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
          {"ignore_merges", false},
          {"vocab", std::move(vocabulary)},
          {"merges", std::move(pairs)}}}
    };
}

}  // namespace penstock::worker
