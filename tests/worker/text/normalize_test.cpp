// NFC as `tokenizers` does it, in bounded time, and what becomes of ranges on the way.
#include "worker/text/nfc.hpp"
#include "worker/text/unicode_classes.hpp"
#include "worker/text/utf8.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <unicode/normalizer2.h>
#include <vector>

namespace penstock::worker {
namespace {

bool operator==(const std::vector<user_range>& a, const std::vector<std::pair<int, int>>& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (a[i].begin != static_cast<std::size_t>(b[i].first)) return false;
        if (a[i].end != static_cast<std::size_t>(b[i].second)) return false;
    }
    return true;
}

std::string nfc(std::string_view text) {
    moved_ranges none({});
    std::string changed = to_nfc(text, none);
    EXPECT_TRUE(may_need_nfc(text) || changed == text);
    return changed;
}

std::string by_icu(std::string_view text) {
    UErrorCode status = U_ZERO_ERROR;
    const icu::Normalizer2* const with = icu::Normalizer2::getNFCInstance(status);
    std::string out;
    with->normalize(icu::UnicodeString::fromUTF8(text), status).toUTF8String(out);
    return out;
}

TEST(nfc, joins_marks_with_their_letters) {
    EXPECT_EQ(nfc("e\u0301"), "é");
    EXPECT_EQ(nfc("\u1100\u1161\u11A8"), "각");
    EXPECT_EQ(nfc("a\u0323\u0302"), "ậ");
    EXPECT_EQ(nfc("â\u0323"), "ậ");
    EXPECT_EQ(nfc("\u212B\u2126"), "ÅΩ");
    EXPECT_EQ(nfc("\u0958"), "\u0915\u093C");
    EXPECT_EQ(nfc("plain ASCII, кириллица, 漢字"), "plain ASCII, кириллица, 漢字");
}

TEST(nfc, does_not_know_characters_since_unicode_10) {
    // U+10D24 is of class 230 since Unicode 11, U+0316 of class 220: they would change places.
    EXPECT_EQ(nfc("q\U00010D24\u0316"), "q\U00010D24\u0316");
    EXPECT_EQ(nfc("q\u0301\u0316"), "q\u0316\u0301");
}

TEST(nfc, agrees_with_icu_on_characters_that_both_know) {
    std::vector<char32_t> changing;
    for (char32_t code = 0; code < 0x30000; ++code) {
        if (unicode_classes::get().may_change_in_nfc(code)) changing.push_back(code);
    }
    std::mt19937 random(3);
    for (int round = 0; round < 20000; ++round) {
        std::u32string text;
        for (std::size_t left = 1 + random() % 8; left > 0; --left) {
            constexpr std::u32string_view plain = U"aeouAs กéậ가\u0915ά";
            const bool is_plain = random() % 3 == 0;
            text +=
                is_plain ? plain[random() % plain.size()] : changing[random() % changing.size()];
        }
        std::string bytes;
        icu::UnicodeString::fromUTF32(
            reinterpret_cast<const UChar32*>(text.data()), static_cast<int>(text.size())
        )
            .toUTF8String(bytes);
        ASSERT_EQ(nfc(bytes), by_icu(bytes));
    }
}

TEST(nfc, orders_a_long_run_of_alternating_marks) {
    std::string text = "q";
    for (int i = 0; i < 100000; ++i)
        text += "\u0301\u0316";
    const std::string ordered = nfc(text);
    EXPECT_EQ(ordered.size(), text.size());
    EXPECT_EQ(ordered.find("\u0301"), 1 + 100000 * std::string_view("\u0316").size());
}

TEST(ranges, move_with_their_bytes_through_normalization) {
    const std::vector<user_range> users{{0, 1}, {2, 5}, {6, 9}};
    moved_ranges moved(users);
    EXPECT_EQ(
        to_nfc(
            "ab"
            "e\u0301"
            "cde\u0301f",
            moved
        ),
        "abécdéf"
    );
    EXPECT_TRUE(moved.finish(9) == (std::vector<std::pair<int, int>>{{0, 1}, {2, 4}, {5, 8}}));
}

TEST(ranges, that_touch_a_changed_stretch_take_the_whole_of_it) {
    const std::vector<user_range> users{{1, 2}};  // the accent's first byte
    moved_ranges moved(users);
    EXPECT_EQ(to_nfc("e\u0301x", moved), "éx");
    EXPECT_TRUE(moved.finish(3) == (std::vector<std::pair<int, int>>{{0, 2}}));
}

TEST(ranges, move_through_the_replacement_of_broken_bytes) {
    const std::string_view text =
        "a\xFF"
        "b\xE2\x82"
        "c";
    const std::vector<user_range> users{{1, 2}, {2, 4}, {5, 6}};
    moved_ranges moved(users);
    EXPECT_EQ(replace_broken_utf8(text, moved), "a\uFFFDb\uFFFDc");
    EXPECT_TRUE(moved.finish(9) == (std::vector<std::pair<int, int>>{{1, 4}, {4, 8}, {8, 9}}));
}

}  // namespace
}  // namespace penstock::worker
