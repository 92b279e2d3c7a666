// One engine step as flat rows: what `prepare` makes of a plan, and what every op reads.
#pragma once

#include "worker/ops/tensor.hpp"

#include <cstdint>
#include <vector>

namespace penstock::worker {

// Tokens of one page of keys and values.
inline constexpr std::uint32_t page_size = 64;
// Keys of one attention chunk, aligned to absolute position. Partial results are folded in chunk
// order, so that a token's result does not depend on what it was computed together with.
inline constexpr std::uint32_t attention_chunk = 256;

using page_id = std::uint32_t;

// The rows of one sequence. Its last row stands at position num_keys - 1; row i attends to the keys
// at positions [0, num_keys - num_rows + i].
struct sequence_rows {
    std::uint32_t first_row = 0;
    std::uint32_t num_rows = 0;
    std::uint32_t num_keys = 0;    // those of this step included
    std::uint32_t first_page = 0;  // index into step_batch::pages
};

struct step_batch {
    std::vector<token_id> tokens;          // of each row
    std::vector<std::uint32_t> positions;  // of each row, from 0
    std::vector<std::uint32_t> slots;      // of each row: page * page_size + place in it
    std::vector<page_id> pages;            // page tables of the sequences, one after another
    std::vector<sequence_rows> sequences;
    std::vector<std::uint32_t> logit_rows;  // rows whose next token is wanted, ascending

    std::size_t num_rows() const noexcept { return tokens.size(); }
    void clear() noexcept {
        tokens.clear();
        positions.clear();
        slots.clear();
        pages.clear();
        sequences.clear();
        logit_rows.clear();
    }
};

}  // namespace penstock::worker
