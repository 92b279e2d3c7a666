// A tokenizer's tables, built once and never changed.
#pragma once

#include "worker/text/added_tokens.hpp"
#include "worker/text/bpe.hpp"
#include "worker/text/split_pattern.hpp"
#include "worker/text/token_texts.hpp"
#include "worker/text/tokenizer_source.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace penstock::worker {

struct tokenizer::state {
    bool nfc = false;
    split_pattern pattern;
    added_matcher raw, normalized;  // looked for before and after normalization
    std::vector<token_id> prefix, suffix;
    token_texts texts;
    std::optional<token_index> by_text;  // the vocabulary's tokens, by the bytes they spell
    std::optional<bpe> model;
    std::vector<std::pair<std::string, token_id>> added;  // sorted by text
    std::vector<bool> special;                            // by id

    // Errors: invalid_value.
    static result<std::unique_ptr<const state>> build(const tokenizer_source& source);
};

}  // namespace penstock::worker
