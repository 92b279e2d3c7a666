// A tokenizer does what its tokenizer.json says, and refuses a file that says what it cannot do.
#include "worker/text/tokenizer_files.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace penstock::worker {
namespace {

namespace json = boost::json;
using ids = std::vector<token_id>;

constexpr token_id added_id = 256;  // the first one behind a vocabulary of bytes

TEST(a_tokenizer, merges_the_lowest_rank_first_and_the_leftmost_of_equals) {
    const tokenizer with = parsed(small_file({{"b", "c"}, {"a", "b"}, {"a", "a"}, {"aa", "a"}}));
    EXPECT_EQ(ids_of(with, "abc"), (ids{'a', merged_ids}));
    EXPECT_EQ(ids_of(with, "ab"), (ids{merged_ids + 1}));
    EXPECT_EQ(ids_of(with, "aaaa"), (ids{merged_ids + 2, merged_ids + 2}));
    EXPECT_EQ(ids_of(with, "aaa"), (ids{merged_ids + 3}));
}

TEST(a_tokenizer, merges_long_pieces_as_short_ones) {
    const tokenizer with = parsed(
        small_file({{"a", "b"}, {"b", "a"}, {"ab", "a"}, {"a", "a"}, {"aba", "b"}, {"c", "ab"}})
    );
    // Pieces end before a space, so each word alone has the ids that it has among others.
    std::string text;
    std::uint32_t state = 1;
    for (int i = 0; i < 4000; ++i) {
        state = state * 1664525 + 1013904223;
        text += "abc"[(state >> 16) % 3];
    }
    ids expected(text.begin(), text.end());
    // Obviously: the first of all pairs of the lowest rank, again and again.
    const std::vector<std::array<token_id, 3>> merges = {
        {'a', 'b', 256},
        {'b', 'a', 257},
        {256, 'a', 258},
        {'a', 'a', 259},
        {258, 'b', 260},
        {'c', 256, 261},
    };
    for (bool found = true; found;) {
        found = false;
        for (const auto& [left, right, made] : merges) {
            for (std::size_t i = 0; i + 1 < expected.size() && !found; ++i) {
                if (expected[i] != left || expected[i + 1] != right) continue;
                expected[i] = made;
                expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(i) + 1);
                found = true;
            }
            if (found) break;
        }
    }
    EXPECT_EQ(ids_of(with, text), expected);
    for (std::size_t size = 1; size < 200; ++size)
        EXPECT_EQ(text_of(with, ids_of(with, text.substr(0, size))), text.substr(0, size));
}

TEST(a_tokenizer, takes_a_whole_piece_at_once_only_if_the_file_ignores_merges) {
    json::object file = small_file({{"a", "b"}});
    file["model"].at("vocab").as_object()["abc"] = 300;
    EXPECT_EQ(ids_of(parsed(file), "abc"), (ids{256, 'c'}));
    EXPECT_EQ(ids_of(parsed(file), "abc"), ids_of(parsed(file), "abc"));
    file["model"].as_object()["ignore_merges"] = true;
    EXPECT_EQ(ids_of(parsed(file), "abc"), (ids{300}));
}

TEST(a_tokenizer, reads_merges_as_strings_and_as_pairs) {
    json::object file = small_file({{" ", "a"}, {" a", "b"}});
    const ids wanted = ids_of(parsed(file), " ab");
    EXPECT_EQ(wanted, (ids{257}));
    file["model"].as_object()["merges"] = json::array{"#version: 0.2", "Ġ a", "Ġa b"};
    EXPECT_EQ(ids_of(parsed(file), " ab"), wanted);
}

TEST(a_tokenizer, normalizes_if_the_file_says_so) {
    json::object file = small_file();
    EXPECT_EQ(ids_of(parsed(file), "e\u0301"), (ids{0xC3, 0xA9}));
    file["normalizer"] = nullptr;
    EXPECT_EQ(ids_of(parsed(file), "e\u0301"), (ids{'e', 0xCC, 0x81}));
}

TEST(a_tokenizer, reads_broken_bytes_as_replacement_characters) {
    const tokenizer with = parsed(small_file());
    EXPECT_EQ(text_of(with, ids_of(with, "a\xF0\x9F\x98z\xFF")), "a\uFFFDz\uFFFD");
    EXPECT_EQ(ids_of(with, ""), ids{});
}

TEST(a_tokenizer, finds_the_longest_added_token) {
    const tokenizer with = parsed(small_file(
        {},
        {added_token_json(256, "<s>", {"special"}),
         added_token_json(257, "<s>>", {"special"}),
         added_token_json(258, "go", {})}
    ));
    EXPECT_EQ(ids_of(with, "<s><s>>go<s"), (ids{256, 257, 258, '<', 's'}));
    EXPECT_TRUE(with.is_special(257));
    EXPECT_FALSE(with.is_special(258));
    EXPECT_FALSE(with.is_special(-1));
    EXPECT_FALSE(with.is_special(1000));
}

TEST(a_tokenizer, reads_no_special_token_where_a_user_wrote_a_byte_of_it) {
    const tokenizer with = parsed(small_file(
        {},
        {added_token_json(256, "<|end|>", {"special"}),
         added_token_json(257, "<|end|>>", {"special"}),
         added_token_json(258, "<think>", {})}
    ));
    const std::string text = "<|end|><|end|>";
    const ids as_text(text.begin(), text.begin() + 7);
    const auto with_ends = [&](bool first, bool second) {
        ids wanted;
        for (const bool is_token : {first, second}) {
            if (is_token) wanted.push_back(256);
            if (!is_token) wanted.insert(wanted.end(), as_text.begin(), as_text.end());
        }
        return wanted;
    };
    EXPECT_EQ(ids_of(with, text), with_ends(true, true));
    EXPECT_EQ(ids_of(with, text, {{0, 14}}), with_ends(false, false));
    EXPECT_EQ(ids_of(with, text, {{7, 14}}), with_ends(true, false));
    for (std::size_t i = 0; i < 14; ++i)
        EXPECT_EQ(ids_of(with, text, {{i, i + 1}}), with_ends(i >= 7, i < 7)) << i;
    EXPECT_EQ(ids_of(with, text, {{3, 3}, {9, 9}}), with_ends(true, true));
    // What a user appends does not undo the template's token.
    EXPECT_EQ(ids_of(with, "<|end|>>", {{7, 8}}), (ids{256, '>'}));
    EXPECT_EQ(ids_of(with, "<|end|>>"), (ids{257}));
    EXPECT_EQ(ids_of(with, "<think>", {{0, 7}}), (ids{258}));
}

TEST(a_tokenizer, keeps_users_apart_when_bytes_are_replaced_and_normalized) {
    json::array added{added_token_json(256, "é!", {"special", "normalized"})};
    const tokenizer with = parsed(small_file({}, added));
    const std::string text = "e\u0301! e\u0301!";
    EXPECT_EQ(ids_of(with, text), (ids{256, ' ', 256}));
    EXPECT_EQ(ids_of(with, text, {{5, 6}}), (ids{256, ' ', 0xC3, 0xA9, '!'}));
    EXPECT_EQ(ids_of(with, text, {{2, 3}}), (ids{0xC3, 0xA9, '!', ' ', 256}));
    EXPECT_EQ(
        ids_of(with, "\xFF" + text, {{6, 7}}), (ids{0xEF, 0xBF, 0xBD, 256, ' ', 0xC3, 0xA9, '!'})
    );
}

TEST(a_tokenizer, honours_what_an_added_token_takes_and_wants_around_it) {
    const tokenizer with = parsed(small_file(
        {},
        {added_token_json(256, "[L]", {"lstrip"}),
         added_token_json(257, "[R]", {"rstrip"}),
         added_token_json(258, "word", {"single_word"})}
    ));
    EXPECT_EQ(ids_of(with, "a \u2003[L] b"), (ids{'a', 256, ' ', 'b'}));
    EXPECT_EQ(ids_of(with, "a [R]\n\t b"), (ids{'a', ' ', 257, 'b'}));
    EXPECT_EQ(ids_of(with, "[R]  [L]"), (ids{257, 256}));
    EXPECT_EQ(ids_of(with, "word.word"), (ids{258, '.', 258}));
    EXPECT_EQ(ids_of(with, "aword"), (ids{'a', 'w', 'o', 'r', 'd'}));
    EXPECT_EQ(ids_of(with, "wordé"), (ids{'w', 'o', 'r', 'd', 0xC3, 0xA9}));
    EXPECT_EQ(ids_of(with, "-word_"), (ids{'-', 'w', 'o', 'r', 'd', '_'}));
}

TEST(a_tokenizer, cuts_text_at_added_tokens_before_anything_else_reads_it) {
    const tokenizer with =
        parsed(small_file({{".", "<"}, {" ", "a"}}, {added_token_json(258, "<e>", {"special"})}));
    EXPECT_EQ(ids_of(with, ".<e> a"), (ids{'.', 258, 257}));
    // A mark behind a token has nothing to join.
    EXPECT_EQ(ids_of(with, "<e>\u0301"), (ids{258, 0xCC, 0x81}));
}

TEST(a_tokenizer, gives_what_the_post_processor_puts_around) {
    json::array added{
        added_token_json(256, "<b>", {"special"}), added_token_json(257, "<e>", {"special"})
    };
    json::object file = small_file({}, added);
    const json::object one{
        {"type", "TemplateProcessing"},
        {"single",
         json::array{
             {{"SpecialToken", {{"id", "<b>"}, {"type_id", 0}}}},
             {{"Sequence", {{"id", "A"}, {"type_id", 0}}}},
             {{"SpecialToken", {{"id", "<e>"}, {"type_id", 0}}}}
         }},
        {"pair", json::array{}},
        {"special_tokens",
         {{"<b>", {{"id", "<b>"}, {"ids", json::array{256}}, {"tokens", json::array{"<b>"}}}},
          {"<e>", {{"id", "<e>"}, {"ids", json::array{257}}, {"tokens", json::array{"<e>"}}}}}}
    };
    const json::value byte_level = file["post_processor"];
    file["post_processor"] = {{"type", "Sequence"}, {"processors", json::array{byte_level, one}}};
    const tokenizer with = parsed(file);
    EXPECT_EQ(ids(with.prefix().begin(), with.prefix().end()), ids{256});
    EXPECT_EQ(ids(with.suffix().begin(), with.suffix().end()), ids{257});
    EXPECT_TRUE(parsed(small_file()).prefix().empty());
}

TEST(a_tokenizer, knows_tokens_by_id_and_by_text) {
    json::object file = small_file({{"h", "i"}}, {added_token_json(257, "漢", {})});
    const tokenizer with = parsed(file);
    EXPECT_EQ(with.size(), 258);
    EXPECT_EQ(with.bytes(256), "hi");
    EXPECT_EQ(with.bytes(257), "漢");
    EXPECT_EQ(with.bytes(0xFF), "\xFF");
    EXPECT_EQ(with.bytes(258), "");
    EXPECT_EQ(with.bytes(-1), "");
    EXPECT_EQ(with.find("hi"), 256);
    EXPECT_EQ(with.find("漢"), 257);
    EXPECT_EQ(with.find(" "), ' ');
    EXPECT_EQ(with.find("ho"), std::nullopt);
    EXPECT_EQ(with.find(""), std::nullopt);
}

TEST(a_tokenizer, drops_bytes_that_the_vocabulary_lacks) {
    json::object file = small_file({{"a", "b"}});
    file["model"].at("vocab").as_object().erase("x");
    EXPECT_EQ(ids_of(parsed(file), "axb"), (ids{256}));
    EXPECT_EQ(ids_of(parsed(file), "x"), ids{});
    file["model"].as_object()["unk_token"] = "a";
    EXPECT_TRUE(tokenizer::parse(json::serialize(file)).has_error());
}

TEST(a_tokenizer, is_loaded_from_a_folder) {
    EXPECT_TRUE(tokenizer::load("/nonexistent").has_error());
}

}  // namespace
}  // namespace penstock::worker
