// The scanner under the tool calls takes what Boost.JSON takes, and says where members lie.
#include "worker/text/json_scanner.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <random>

namespace penstock::worker {
namespace {

using part = json_scanner::part;

bool scans(std::string_view text) {
    json_scanner scanner;
    for (const char c : text)
        if (scanner.step(c) == part::wrong) return false;
    return scanner.is_complete();
}

// Boost.JSON with room for any depth.
bool parses(std::string_view text) {
    boost::json::parse_options options;
    options.max_depth = 1000;
    boost::system::error_code failed;
    const auto read = boost::json::parse(text, failed, {}, options);
    return !failed && read.is_object();
}

TEST(json_scanner, takes_the_same_texts_as_boost_json) {
    constexpr std::string_view seeds[] = {
        R"({"name": "f", "arguments": {"a": [1, -0.5e+10, true], "b": {"c": null}}})",
        R"({"a":[],"b":{},"c":"\"\\\/\b\f\n\r\t\u00e9","d":[[{}],[false]],"e":0,"f":10.25E-3})",
        R"( { } )",
    };
    constexpr std::string_view letters = "{}[]\",:0123456789.-+eEtruefalsn \\u/";
    std::mt19937 draw(3);
    int taken = 0;
    for (int round = 0; round < 60'000; ++round) {
        std::string text(seeds[draw() % std::size(seeds)]);
        for (unsigned edits = draw() % 4; edits != 0; --edits) {
            const std::size_t at = draw() % text.size();
            const char letter = letters[draw() % letters.size()];
            if (draw() % 3 == 0)
                text.erase(at, 1);
            else if (draw() % 2 == 0)
                text.insert(at, 1, letter);
            else
                text[at] = letter;
            if (text.empty()) text = "{";
        }
        ASSERT_EQ(scans(text), parses(text)) << text;
        taken += scans(text) ? 1 : 0;
    }
    EXPECT_GT(taken, 10'000);
    EXPECT_LT(taken, 50'000);
}

TEST(json_scanner, tells_keys_from_members) {
    constexpr std::string_view text = R"({ "a" : [1, {"b": 2}] , "c":-1.5, "d":"x\"", "e":true})";
    constexpr std::string_view expected = ". kkk . mmmmmmmmmmmmm . kkk.mmmm. kkk.mmmmm. kkk.mmmm.";
    json_scanner scanner;
    std::string parts;
    for (const char c : text) {
        const part found = scanner.step(c);
        const char shown = found == part::key ? 'k' : found == part::member ? 'm' : '.';
        parts += shown == '.' && c == ' ' ? ' ' : shown;
    }
    EXPECT_EQ(parts, expected);
}

}  // namespace
}  // namespace penstock::worker
