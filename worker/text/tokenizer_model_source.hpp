// The part of tokenizer.json under "model".
#pragma once

#include "worker/text/json_reader.hpp"
#include "worker/text/tokenizer_source.hpp"

namespace penstock::worker {

// A token's id: a whole number from 0 to below ids_max.
result<token_id> read_id(const json_reader& from);

// Vocabulary, merges and what says how they are used. Errors: invalid_value, with the path.
result<void> read_model(const json_reader& root, tokenizer_source& into);

}  // namespace penstock::worker
