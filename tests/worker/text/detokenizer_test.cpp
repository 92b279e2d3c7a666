// Text comes out of a detokenizer in whole characters, however its bytes come in.
#include "worker/text/detokenizer.hpp"

#include "worker/text/utf8.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace penstock::worker {
namespace {

constexpr std::string_view mixed = "aЖ漢😀\u0301 z\U0010FFFF\u07FF\uFFFD!";

// The whole text, and that nothing but whole characters came at any time.
std::string fed(const std::vector<std::string_view>& pieces) {
    detokenizer from;
    std::string text;
    for (const std::string_view piece : pieces) {
        std::string came;
        from.push(piece, came);
        EXPECT_EQ(valid_utf8_prefix(came), came.size());
        text += came;
    }
    from.finish(text);
    EXPECT_EQ(valid_utf8_prefix(text), text.size());
    return text;
}

std::string fed_in_bytes(std::string_view text) {
    std::vector<std::string_view> pieces;
    for (std::size_t i = 0; i < text.size(); ++i)
        pieces.push_back(text.substr(i, 1));
    return fed(pieces);
}

TEST(a_detokenizer, gives_the_same_text_for_every_cut_in_three) {
    for (std::size_t a = 0; a <= mixed.size(); ++a) {
        for (std::size_t b = a; b <= mixed.size(); ++b)
            EXPECT_EQ(fed({mixed.substr(0, a), mixed.substr(a, b - a), mixed.substr(b)}), mixed);
    }
    EXPECT_EQ(fed_in_bytes(mixed), mixed);
}

TEST(a_detokenizer, holds_back_at_most_three_bytes) {
    detokenizer from;
    std::string text;
    from.push("\xF0\x9F\x98", text);
    EXPECT_EQ(text, "");
    from.push("\x80", text);
    EXPECT_EQ(text, "😀");
}

struct broken_case {
    std::string_view bytes, text;
};

// As Python's bytes.decode(errors="replace") has them.
constexpr broken_case broken[] = {
    {"\xFF", "\uFFFD"},
    {"a\x80z", "a\uFFFDz"},
    {"\xC0\xAF", "\uFFFD\uFFFD"},
    {"\xE0\x80\xAF", "\uFFFD\uFFFD\uFFFD"},
    {"\xED\xA0\x80", "\uFFFD\uFFFD\uFFFD"},
    {"\xF4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},
    {"\xE2\x82", "\uFFFD"},
    {"\xE2\x82x", "\uFFFDx"},
    {"\xF0\x9F\x98\xF0\x9F\x98\x80", "\uFFFD😀"},
    {"\xF0\x9F\xE6\xBC\xA2", "\uFFFD漢"},
    {"\xF0\x9F\x98\xC3", "\uFFFD\uFFFD"},
    {"\xC3\xC3\xA9", "\uFFFDé"},
};

TEST(a_detokenizer, replaces_what_can_never_become_a_character) {
    for (const auto& [bytes, text] : broken) {
        EXPECT_EQ(fed({bytes}), text);
        EXPECT_EQ(fed_in_bytes(bytes), text);
        for (std::size_t cut = 0; cut <= bytes.size(); ++cut)
            EXPECT_EQ(fed({bytes.substr(0, cut), bytes.substr(cut)}), text);
    }
}

TEST(a_detokenizer, can_begin_a_new_answer_after_the_end_of_one) {
    detokenizer from;
    std::string text;
    from.push("\xE6\xBC", text);
    from.finish(text);
    from.push("\xA2 a", text);
    from.finish(text);
    EXPECT_EQ(text, "\uFFFD\uFFFD a");
}

}  // namespace
}  // namespace penstock::worker
