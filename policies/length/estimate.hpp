// How many tokens a prompt has, from its bytes alone: no tokenizer runs in the gateway.
#pragma once

#include "penstock/openai/facts.hpp"

#include <cstdint>

namespace penstock::length {

struct estimate {
    std::uint32_t tokens = 0;  // of the whole prompt, all its inputs together
    std::uint32_t error = 0;   // ± tokens
    std::uint32_t inputs =
        1;  // texts that the engine sees one by one, each in a context of its own

    // Certainly no fewer, but for text that is padding: see estimate.cpp.
    constexpr std::uint32_t lower() const noexcept { return tokens > error ? tokens - error : 0; }
};

estimate estimate_prompt(const openai::request_facts& facts) noexcept;

// Tokens of answer that one choice is expected to take when nothing better is known.
inline constexpr std::uint32_t default_output = 256;

// Expected answer of all `n` choices together; `limit` is what each may have, 0: not limited.
// Work that makes no tokens (embeddings, rerank) has no output.
std::uint32_t expected_output(const openai::request_facts& facts, std::uint32_t limit) noexcept;

}  // namespace penstock::length
