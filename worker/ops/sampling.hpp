// What is asked of the choice of one token, and what comes back.
//
// The choice does not depend on the order of the vocabulary's reduction, on other rows or on the
// number of threads: masses are summed in 64-bit fixed point, and the draw is Gumbel-max over
// Philox4x32-10 keyed by (seed, index of the output token, token id).
//
// Order: forbid -> bias -> repetition (prompt and output) -> frequency and presence (output only)
// -> temperature -> top-k -> top-p -> min-p -> draw. Temperature 0 is the largest logit, the lowest
// id among equals.
#pragma once

#include "worker/ops/tensor.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace penstock::worker {

struct sampling_params {
    float temperature = 1;         // >= 0
    std::uint32_t top_k = 0;       // 0: all
    float top_p = 1;               // (0, 1]
    float min_p = 0;               // [0, 1]
    float repetition_penalty = 1;  // > 0
    float frequency_penalty = 0, presence_penalty = 0;
    std::uint64_t seed = 0;

    bool operator==(const sampling_params&) const = default;
};

struct token_bias {
    token_id id = 0;
    float bias = 0;
};

// How often a token stands in a sequence.
struct token_count {
    token_id id = 0;
    std::uint32_t in_prompt = 0, in_output = 0;
};

struct sampling_row {
    std::uint32_t row = 0;    // of the logits
    std::uint32_t index = 0;  // of the output token, from 0
    const sampling_params* params = nullptr;
    std::span<const token_bias> bias;     // each id once
    std::span<const token_count> seen;    // each id once; empty when no penalty is set
    std::span<const token_id> forbidden;  // besides ids >= vocabulary
    std::uint32_t vocabulary = 0;         // ids from here on have no text and are never chosen
    bool logprobs = false;                // of the chosen token
    std::uint8_t top_logprobs = 0;        // this many most likely ones beside it, at most 20
};

struct token_logprob {
    token_id id = 0;
    float logprob = 0;
};

// Logprobs are the log-softmax of the raw logits: before bias, penalties, temperature and masks.
struct sampled_token {
    token_id id = 0;
    float logprob = 0;               // when asked for
    std::vector<token_logprob> top;  // most likely first; the lower id first among equals
};

}  // namespace penstock::worker
