// Byte pair encoding: the merges of a vocabulary and their execution on one piece of text.
#pragma once

#include "worker/text/merge_queue.hpp"
#include "worker/text/symbol_set.hpp"
#include "worker/text/token_texts.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace penstock::worker {

// Which two tokens join into which, and how early: open addressing, at most half full.
class merge_table {
 public:
    static constexpr std::uint32_t no_rank = 0xFFFFFFFF;
    struct merge {
        std::uint32_t rank = no_rank;
        token_id made = token_texts::none;
    };

    explicit merge_table(std::size_t count);

    void insert(token_id left, token_id right, merge what);  // a later one takes the place
    merge find(token_id left, token_id right) const noexcept {
        const std::uint64_t pair = pair_of(left, right);
        for (std::size_t at = start_of(pair);; at = (at + 1) & (slots_.size() - 1)) {
            if (slots_[at].pair == pair) return slots_[at].what;
            if (slots_[at].pair == no_pair) return {};
        }
    }

 private:
    static constexpr std::uint64_t no_pair = ~std::uint64_t{0};
    struct slot {
        std::uint64_t pair = no_pair;
        merge what;
    };
    static std::uint64_t pair_of(token_id left, token_id right) noexcept {
        return static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint32_t>(right);
    }
    std::size_t start_of(std::uint64_t pair) const noexcept {
        return static_cast<std::size_t>((pair * 0x9E3779B97F4A7C15u) >> shift_);
    }
    std::vector<slot> slots_;
    int shift_;
};

// What long pieces need while they are merged; kept between the pieces of one text.
struct merge_space {
    std::vector<token_id> ids;
    symbol_set symbols;  // which of `ids` still are: a merge leaves its left one only
    merge_queue queue;
};

class bpe {
 public:
    // `by_text` finds the vocabulary's tokens by their bytes. A byte without a token is dropped, as
    // `tokenizers` does without an unknown token.
    bpe(const token_index& by_text, merge_table merges, std::uint32_t size, bool ignore_merges);

    // Appends the tokens of one piece, which is shorter than 4 GiB. Always merges the pair of
    // lowest rank first, the leftmost of equals. O(n log n).
    void encode(std::string_view piece, merge_space& space, std::vector<token_id>& out) const;

 private:
    void merge(std::string_view piece, merge_space& space, std::vector<token_id>& out) const;
    void merge_short(std::string_view piece, std::vector<token_id>& out) const;
    void merge_long(std::string_view piece, merge_space& space, std::vector<token_id>& out) const;

    // Whether the token's own bytes merge to it alone; found out when it is first met.
    enum class wholeness : std::uint8_t { unknown, whole, in_parts };

    const token_index* by_text_;
    merge_table merges_;
    std::array<token_id, 256> byte_tokens_{};
    std::unique_ptr<std::atomic<wholeness>[]> wholeness_;
    bool ignore_merges_;
};

}  // namespace penstock::worker
