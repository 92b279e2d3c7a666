// Text is cut into pieces as Oniguruma cuts it by the pattern of the file.
#include "worker/text/split_pattern.hpp"
#include "worker/text/tokenizer_files.hpp"
#include "worker/text/unicode_classes.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace penstock::worker {
namespace {

using pieces = std::vector<std::string>;

pieces cut(std::string_view text, std::string_view regex = qwen_pattern) {
    const split_pattern pattern = known_pattern(regex).value();
    pieces found;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = piece_end(pattern, text, at);
        found.emplace_back(text.substr(at, end - at));
        at = end;
    }
    return found;
}

TEST(split, knows_two_patterns_and_no_other) {
    EXPECT_EQ(known_pattern(qwen_pattern)->digits, 1);
    EXPECT_EQ(known_pattern(llama_pattern)->digits, 3);
    EXPECT_FALSE(known_pattern(""));
    EXPECT_FALSE(known_pattern(R"(\s+)"));
    EXPECT_FALSE(known_pattern(std::string(qwen_pattern) + "|x"));
    std::string other(qwen_pattern);
    other.replace(other.find(R"(\p{N}|)"), 6, R"(\p{N}+|)");
    EXPECT_FALSE(known_pattern(other));
}

TEST(split, takes_one_character_before_letters) {
    EXPECT_EQ(cut("Hello world"), (pieces{"Hello", " world"}));
    EXPECT_EQ(cut("(foo)\tbar_baz"), (pieces{"(foo", ")", "\tbar", "_baz"}));
    EXPECT_EQ(cut("привет мир你好"), (pieces{"привет", " мир你好"}));
    EXPECT_EQ(cut("\nabc"), (pieces{"\n", "abc"}));
    EXPECT_EQ(cut("e\u0301a"), (pieces{"e", "\u0301a"}));
}

TEST(split, cuts_contractions_in_any_case_and_with_a_long_s) {
    EXPECT_EQ(cut("I've we'RE"), (pieces{"I", "'ve", " we", "'RE"}));
    EXPECT_EQ(cut("it'ſ 'st'x"), (pieces{"it", "'ſ", " '", "st", "'x"}));
    EXPECT_EQ(cut("'l'lla'"), (pieces{"'l", "'ll", "a", "'"}));
    EXPECT_EQ(cut("''s"), (pieces{"''", "s"}));
}

TEST(split, cuts_numbers_by_one_or_by_three) {
    EXPECT_EQ(cut("a1234 5"), (pieces{"a", "1", "2", "3", "4", " ", "5"}));
    EXPECT_EQ(cut("1234567", llama_pattern), (pieces{"123", "456", "7"}));
    EXPECT_EQ(cut("٣½Ⅻ²", llama_pattern), (pieces{"٣½Ⅻ", "²"}));
}

TEST(split, takes_line_breaks_behind_punctuation) {
    EXPECT_EQ(cut("end.\n\nNext"), (pieces{"end", ".\n\n", "Next"}));
    EXPECT_EQ(cut(" !? x"), (pieces{" !?", " x"}));
    EXPECT_EQ(cut("\t!"), (pieces{"\t", "!"}));
}

TEST(split, gives_a_run_of_spaces_up_to_its_last_line_break_or_without_its_last_space) {
    EXPECT_EQ(cut("a   b"), (pieces{"a", "  ", " b"}));
    EXPECT_EQ(cut("a   1"), (pieces{"a", "  ", " ", "1"}));
    EXPECT_EQ(cut("a   "), (pieces{"a", "   "}));
    EXPECT_EQ(cut("  \n \n  x"), (pieces{"  \n \n", " ", " x"}));
    EXPECT_EQ(cut("\r\n\u2003\u3000."), (pieces{"\r\n", "\u2003", "\u3000", "."}));
    EXPECT_EQ(cut(" \u2003"), (pieces{" \u2003"}));
}

TEST(split, sees_letters_up_to_unicode_16) {
    const unicode_classes& classes = unicode_classes::get();
    EXPECT_EQ(classes.of(U'\u1C89'), char_class::letter);
    EXPECT_EQ(classes.of(U'\U0002EBF0'), char_class::letter);
    EXPECT_EQ(classes.of(U'\U0001CCF0'), char_class::number);
    EXPECT_EQ(classes.of(U'\u0378'), char_class::other);
    EXPECT_EQ(classes.of(U'\u0085'), char_class::space);
    EXPECT_EQ(classes.of(U'\u200B'), char_class::other);
    std::size_t letters = 0, numbers = 0, spaces = 0;
    for (char32_t code = 0; code < 0x110000; ++code) {
        letters += classes.of(code) == char_class::letter ? 1 : 0;
        numbers += classes.of(code) == char_class::number ? 1 : 0;
        spaces += classes.of(code) == char_class::space ? 1 : 0;
    }
    EXPECT_EQ(letters, 141028);  // as DerivedGeneralCategory.txt of Unicode 16 counts them
    EXPECT_EQ(numbers, 1911);
    EXPECT_EQ(spaces, 23);  // White_Space without CR and LF
}

}  // namespace
}  // namespace penstock::worker
