// tokenizer.json for tests: a small one made here, and the real ones of PENSTOCK_TEST_DATA.
#pragma once

#include "worker/text/byte_level.hpp"
#include "worker/text/tokenizer.hpp"

#include <boost/json.hpp>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <zlib.h>

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

inline tokenizer parsed(const boost::json::object& file) {
    auto made = tokenizer::parse(boost::json::serialize(file));
    if (made.has_error()) throw std::runtime_error(made.error().detail);
    return std::move(made).value();
}

inline std::vector<token_id> ids_of(
    const tokenizer& with, std::string_view text, const std::vector<user_range>& users = {}
) {
    std::vector<token_id> ids;
    with.encode(text, users, ids);
    return ids;
}

inline std::string text_of(const tokenizer& with, const std::vector<token_id>& ids) {
    std::string text;
    for (const token_id id : ids)
        text += with.bytes(id);
    return text;
}

// PENSTOCK_TEST_DATA, or empty.
inline std::filesystem::path test_data() {
    const char* folder = std::getenv("PENSTOCK_TEST_DATA");
    return folder == nullptr ? "" : folder;
}

inline std::string unpacked(const std::filesystem::path& file) {
    const gzFile from = gzopen(file.c_str(), "rb");
    if (from == nullptr) throw std::runtime_error("cannot open " + file.string());
    std::string text;
    static std::array<char, 1 << 16> buffer;
    for (int read = 0; (read = gzread(from, buffer.data(), buffer.size())) > 0;)
        text.append(buffer.data(), static_cast<std::size_t>(read));
    gzclose(from);
    return text;
}

// Read once in a run of the tests.
inline const tokenizer& real_tokenizer(const std::string& name) {
    static std::vector<std::pair<std::string, tokenizer>> read;
    for (const auto& [known, made] : read) {
        if (known == name) return made;
    }
    auto made = tokenizer::parse(unpacked(test_data() / "tokenizers" / name / "tokenizer.json.gz"));
    if (made.has_error()) throw std::runtime_error(made.error().detail);
    read.reserve(8);
    return read.emplace_back(name, std::move(made).value()).second;
}

}  // namespace penstock::worker
