// What a character is to the split patterns: letter, number, space or something else.
#pragma once

#include <cstdint>

namespace penstock::worker {

// \p{L}, \p{N}, \s without CR and LF, those two, and all else.
enum class char_class : std::uint8_t { other, letter, number, space, newline };

// The class of every code point as Hugging Face's `tokenizers` 0.23 sees it, whose Oniguruma
// (6.9.10) knows Unicode 16.
class unicode_classes {
 public:
    static const unicode_classes& get();  // built once, in milliseconds

    char_class of(char32_t code) const noexcept {
        return static_cast<char_class>(rows_[code] & class_mask);
    }
    // False: never changed, moved or joined with what stands before it by NFC.
    bool may_change_in_nfc(char32_t code) const noexcept { return (rows_[code] & nfc_bit) != 0; }

    static constexpr std::uint8_t class_mask = 0x07, nfc_bit = 0x80;

 private:
    unicode_classes();
    std::uint8_t rows_[0x110000] = {};
};

// Whether NFC in `tokenizers` knows this character: its tables (unicode-normalization-alignments)
// are those of Unicode 9, and newer marks are to it as if unassigned.
bool is_known_to_nfc(char32_t code) noexcept;

// \w of Rust's regular expressions (UTS 18: alphabetic, marks, decimal digits, connectors).
bool is_word_character(char32_t code) noexcept;

}  // namespace penstock::worker
