// Stop strings are found wherever the text is cut, and nothing of one is shown before.
#include "worker/text/stop_matcher.hpp"

#include "worker/text/utf8.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::worker {
namespace {

struct answer {
    std::string text;
    bool stopped = false;
};

answer fed(const std::vector<std::string>& stops, const std::vector<std::string_view>& pieces) {
    stop_matcher from(stops);
    answer got;
    for (const std::string_view piece : pieces) {
        std::string came;
        got.stopped = from.push(piece, came);
        EXPECT_EQ(valid_utf8_prefix(came), came.size());
        got.text += came;
        if (got.stopped) return got;
    }
    from.finish(got.text);
    return got;
}

// The match that ends first and, of those that end there, begins first.
answer searched(const std::vector<std::string>& stops, std::string_view text) {
    for (std::size_t end = 1; end <= text.size(); ++end) {
        std::size_t longest = 0;
        for (const std::string& stop : stops) {
            if (text.substr(0, end).ends_with(stop)) longest = std::max(longest, stop.size());
        }
        if (longest > 0) return {std::string(text.substr(0, end - longest)), true};
    }
    return {std::string(text), false};
}

TEST(a_stop_matcher, ends_the_text_before_the_stop_string) {
    const answer got = fed({"\n\n", "END"}, {"one\n", "two E", "ND three"});
    EXPECT_TRUE(got.stopped);
    EXPECT_EQ(got.text, "one\ntwo ");
}

TEST(a_stop_matcher, gives_everything_when_none_comes) {
    const answer got = fed({"END", "漢字"}, {"EN EN E", "漢", "E"});
    EXPECT_FALSE(got.stopped);
    EXPECT_EQ(got.text, "EN EN E漢E");
}

TEST(a_stop_matcher, without_stop_strings_holds_nothing_back) {
    stop_matcher none({});
    std::string out;
    EXPECT_FALSE(none.push("text", out));
    EXPECT_EQ(out, "text");
}

TEST(a_stop_matcher, holds_back_no_more_than_could_begin_a_stop_string) {
    stop_matcher from({"aab"});
    std::string out;
    EXPECT_FALSE(from.push("xaaa", out));
    EXPECT_EQ(out, "xa");
    EXPECT_FALSE(from.push("c", out));
    EXPECT_EQ(out, "xaaac");
}

TEST(a_stop_matcher, shows_whole_characters_even_if_a_stop_string_begins_within_one) {
    stop_matcher from({"\xBC\xA2z"});  // the end of 漢 and a letter
    std::string out;
    EXPECT_FALSE(from.push("a漢", out));
    EXPECT_EQ(out, "a");
    EXPECT_FALSE(from.push("b", out));
    EXPECT_EQ(out, "a漢b");
}

TEST(a_stop_matcher, agrees_with_a_plain_search_on_any_cuts) {
    std::mt19937 random(7);
    const auto drawn = [&random](std::size_t longest) {
        std::string text;
        static const std::string letters[] = {"a", "b", "ж", "漢"};
        for (std::size_t left = 1 + random() % longest; left > 0; --left)
            text += letters[random() % std::size(letters)];
        return text;
    };
    for (int round = 0; round < 3000; ++round) {
        std::vector<std::string> stops(1 + random() % 3);
        for (std::string& stop : stops)
            stop = drawn(5);
        const std::string text = drawn(30);
        std::vector<std::string_view> pieces;
        for (std::size_t at = 0; at < text.size();) {
            std::size_t end = std::min(text.size(), at + 1 + random() % 6);
            while (end < text.size() && continues_utf8(text[end]))
                ++end;
            pieces.push_back(std::string_view(text).substr(at, end - at));
            at = end;
        }
        const answer got = fed(stops, pieces), wanted = searched(stops, text);
        ASSERT_EQ(got.text, wanted.text) << text << " until " << stops[0];
        ASSERT_EQ(got.stopped, wanted.stopped);
    }
}

TEST(a_stop_matcher, finds_in_linear_time_what_almost_matches_everywhere) {
    stop_matcher from({std::string(5000, 'a') + "b"});
    const std::string text(1 << 20, 'a');
    std::string out;
    for (int i = 0; i < 4; ++i)
        EXPECT_FALSE(from.push(text, out));
    EXPECT_EQ(out.size(), 4 * text.size() - 5000);
    EXPECT_TRUE(from.push("b", out));
    EXPECT_EQ(out.size(), 4 * text.size() - 5000);
}

}  // namespace
}  // namespace penstock::worker
