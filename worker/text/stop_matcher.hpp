// Finds stop strings in an answer's content as it comes, in time linear in the text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::worker {

class stop_matcher {
 public:
    // No stop string may be empty.
    explicit stop_matcher(const std::vector<std::string>& stops);

    // Moves to the end of `out` what can no longer be the beginning of a stop string, in whole
    // UTF-8 characters (the text comes in such). True: one was found; `out` ends before it, and
    // nothing comes after.
    bool push(std::string_view text, std::string& out);
    // The answer has ended without one: the rest.
    void finish(std::string& out);

 private:
    // A state: the longest suffix of the text so far that begins a stop string.
    struct node {
        std::uint32_t first_child = 0, next_sibling = 0;  // 0: none
        std::uint32_t fail = 0;   // the longest proper suffix of this state that is one too
        std::uint32_t depth = 0;  // bytes of this state
        std::uint32_t found = 0;  // bytes of the longest stop string that it ends with; 0: none
        char byte = 0;
    };
    std::uint32_t child(std::uint32_t of, char byte) const noexcept;

    std::vector<node> nodes_;  // Aho-Corasick over bytes; the root first
    std::string held_;
    std::uint32_t at_ = 0;
};

}  // namespace penstock::worker
