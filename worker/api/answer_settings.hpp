// How an answer is made: what /v1/chat/completions and /v1/completions have in common.
#pragma once

#include "worker/api/fields.hpp"
#include "worker/api/request_rules.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::worker {

struct answer_settings {
    sampling_params sampling;  // but for the seed
    std::optional<std::uint64_t> seed;
    std::vector<token_bias> bias;    // each id once
    std::vector<token_id> stop_ids;  // the model's and the request's; ascending, each once
    std::vector<std::string> stops;  // none is empty
    std::uint32_t min_tokens = 0;
    std::optional<std::uint32_t> max_tokens;  // absent: what is left of the context
    std::string max_tokens_field = "max_tokens";
    std::uint32_t num_choices = 1;  // for each prompt
    bool logprobs = false;
    std::uint8_t top_logprobs = 0;
    bool stream = false;
    bool include_usage = false;  // in a stream
    std::string cache_salt;
};

// What is asked but cannot be done is refused and never ignored: response formats other than text,
// guided decoding, `best_of`, beam search. What is wrong becomes the reader's fault.
answer_settings read_answer_settings(field_reader& body, const request_rules& rules);

// `logprobs` is a boolean of chats and a number of completions.
void read_chat_logprobs(field_reader& body, answer_settings& out);
void read_completion_logprobs(field_reader& body, answer_settings& out);

}  // namespace penstock::worker
