// The regular expressions by which tokenizer.json cuts text into pieces, matched by hand.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace penstock::worker {

// Patterns of one form that differ in how many digits make a piece.
struct split_pattern {
    unsigned digits = 1;
};

// Qwen's pattern and Llama 3's; none for any other.
std::optional<split_pattern> known_pattern(std::string_view regex) noexcept;

// End of the piece that begins at `at` < size(), as Oniguruma finds it; every character belongs to
// a piece. `text` is UTF-8. Over a whole text each character is read at most three times.
std::size_t piece_end(const split_pattern& pattern, std::string_view text, std::size_t at) noexcept;

}  // namespace penstock::worker
