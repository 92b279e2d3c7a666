// Added tokens: texts that are found in the prompt before anything else is done with it.
#pragma once

#include "worker/text/tokenizer.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::worker {

struct added_token {
    std::string content;
    token_id id = 0;
    bool single_word = false;  // only where no word character stands beside it
    bool lstrip = false;       // takes the spaces before it
    bool rstrip = false;       // takes the spaces behind it
    bool normalized = false;   // looked for in normalized text
    bool special = false;
};

struct added_match {
    std::size_t begin = 0, end = 0;  // with the spaces that it takes
    token_id id = 0;
};

// Finds added tokens, leftmost first and the longest of those. The cost of a byte is bounded by the
// longest token.
class added_matcher {
 public:
    // False if the matcher has this text already.
    bool add(const added_token& token);

    bool empty() const noexcept { return tokens_.empty(); }
    bool has_special() const noexcept { return has_special_; }

    // Appends the matches of `text`. A special token is not found where a byte of it lies in
    // `users` (ascending, disjoint, none empty); the text around it is then read without it.
    void find(
        std::string_view text, std::span<const user_range> users, std::vector<added_match>& out
    ) const;

 private:
    struct node {
        std::uint32_t first_child = 0, next_sibling = 0;  // 0: none
        std::int32_t token = -1;                          // index in tokens_; -1: none
        char byte = 0;
    };
    struct found {
        std::size_t size = 0;
        std::int32_t token = -1;
    };
    std::uint32_t child(std::uint32_t of, char byte) const noexcept;
    std::size_t next_start(std::string_view text, std::size_t at) const noexcept;
    found longest_at(
        std::string_view text, std::size_t at, std::size_t user_begin, std::size_t user_end
    ) const noexcept;

    std::vector<added_token> tokens_;
    std::vector<node> nodes_ = std::vector<node>(1);  // a trie; the root first
    std::array<bool, 256> starts_{};                  // first bytes of tokens
    int only_start_ = -1;                             // the first byte if all have the same
    bool has_special_ = false;
};

}  // namespace penstock::worker
