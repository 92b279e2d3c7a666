// Tokenizers for tests: of small files, and the real ones of PENSTOCK_TEST_DATA.
#pragma once

#include "worker/text/small_vocabulary.hpp"
#include "worker/text/tokenizer.hpp"

#include <boost/json.hpp>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <zlib.h>

namespace penstock::worker {

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
