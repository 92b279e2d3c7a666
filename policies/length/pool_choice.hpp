// Which pool holds a request: the smallest context into which prompt and answer fit.
#pragma once

#include "penstock/ids.hpp"
#include "policies/length/estimate.hpp"

#include <cstdint>
#include <span>

namespace penstock::length {

struct pool_context {
    pool_index pool;
    std::uint32_t context =
        0;  // tokens of prompt and answer together; 0: not stated, holds anything
};

struct pool_choice {
    pool_index pool;  // none: longer than the largest context for certain
    pool_index next;  // the next larger one, for the one time that the engine says "too long"
    std::uint32_t largest = 0;  // context of the largest pool; 0: not stated
};

// `pools` in order of context, those without one last. `output_each` is the answer that each choice
// may have (not the sum over n). A request is too long only when the lower bound of its prompt is
// above the largest context; in doubt it goes to the largest, whose engine knows.
pool_choice choose_pool(
    std::span<const pool_context> pools, const estimate& prompt, std::uint32_t output_each
) noexcept;

}  // namespace penstock::length
