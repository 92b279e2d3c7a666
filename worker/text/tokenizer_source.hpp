// What a tokenizer.json says, once it is known that all of it can be done exactly.
#pragma once

#include "penstock/result.hpp"
#include "worker/text/added_tokens.hpp"
#include "worker/text/split_pattern.hpp"

#include <boost/json.hpp>

#include <string_view>
#include <utility>
#include <vector>

namespace penstock::worker {

// Ids are below this, so that a file of a few bytes cannot ask for gigabytes of tables.
inline constexpr token_id ids_max = 1 << 22;

struct vocabulary_entry {
    std::string_view spelled;  // in the byte-level alphabet
    token_id id;
};

// Views into the document that it was read from.
struct tokenizer_source {
    bool nfc = false;
    split_pattern pattern;
    std::vector<added_token> added;
    std::vector<token_id> prefix, suffix;
    std::vector<vocabulary_entry> vocabulary;
    std::vector<std::pair<std::string_view, std::string_view>> merges;
    bool ignore_merges = false;
    // The first of unk_token, byte_fallback and fuse_unk that is set; empty if none. They say what
    // becomes of bytes without a token, so they matter only where such bytes are.
    std::string_view for_unknown;
};

// Errors: invalid_value, with the path of what cannot be done.
result<tokenizer_source> read_tokenizer_json(const boost::json::value& document);

}  // namespace penstock::worker
