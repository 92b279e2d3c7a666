// How many tokens a prompt has, from its bytes alone: no tokenizer runs in the gateway.
#pragma once

#include "penstock/openai/facts.hpp"
#include "policies/length/output_quantile.hpp"
#include "policies/length/token_factors.hpp"

#include <cstdint>

namespace penstock::length {

struct estimate {
    std::uint32_t tokens = 0;    // of the whole prompt, all its inputs together
    std::uint32_t error = 0;     // ± tokens, of nine estimates in ten
    std::uint32_t at_least = 0;  // tokens; for certain, but for text that is padding
    std::uint32_t inputs =
        1;  // texts that the engine sees one by one, each in a context of its own
};

// `factors`: what was learned of the model.
estimate estimate_prompt(
    const openai::request_facts& facts, const token_factors& factors = {}
) noexcept;

// Expected answer of all `n` choices together; `limit` is what each may have, 0: not limited;
// `typical` what one takes, by experience. Work that makes no tokens (embeddings, rerank) has no
// output.
std::uint32_t expected_output(
    const openai::request_facts& facts, std::uint32_t limit, std::uint32_t typical = default_output
) noexcept;

}  // namespace penstock::length
