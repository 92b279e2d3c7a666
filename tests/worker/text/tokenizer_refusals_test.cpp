// A file that asks for what is not done here is refused by the path of what it asks.
#include "worker/text/tokenizer_files.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace penstock::worker {
namespace {

namespace json = boost::json;

std::string refusal(const json::value& file) {
    const auto made = tokenizer::parse(json::serialize(file));
    if (!made.has_error()) return "taken";
    EXPECT_EQ(made.error().code, errc::invalid_value);
    return made.error().detail;
}

// Sets what a JSON pointer names in a good file and gives the refusal.
std::string refusal_with(std::string_view pointer, const json::value& value) {
    json::value file = small_file({{"a", "b"}}, {added_token_json(257, "<s>", {"special"})});
    const std::size_t slash = pointer.rfind('/');
    const std::string_view name = pointer.substr(slash + 1);
    json::value& parent = file.at_pointer({pointer.data(), slash});
    if (parent.is_array()) {
        parent.get_array().at(static_cast<std::size_t>(name[0] - '0')) = value;
    } else {
        parent.as_object()[{name.data(), name.size()}] = value;
    }
    return refusal(file);
}

struct change {
    std::string_view pointer;
    json::value value;
    std::string_view path;
};

TEST(a_tokenizer_file, is_refused_by_the_path_of_what_it_asks) {
    const change changes[] = {
        {"/version", "2.0", "version"},
        {"/truncation", {{"max_length", 512}}, "truncation"},
        {"/padding", {{"strategy", "BatchLongest"}}, "padding"},
        {"/extra", 1, "extra"},
        {"/normalizer", {{"type", "NFKC"}}, "normalizer.type"},
        {"/normalizer/extra", 1, "normalizer.extra"},
        {"/pre_tokenizer", nullptr, "pre_tokenizer"},
        {"/pre_tokenizer/type", "ByteLevel", "pre_tokenizer.type"},
        {"/pre_tokenizer/pretokenizers", json::array{}, "pre_tokenizer.pretokenizers"},
        {"/pre_tokenizer/pretokenizers/0/pattern/Regex",
         "\\w+",
         "pre_tokenizer.pretokenizers[0].pattern"},
        {"/pre_tokenizer/pretokenizers/0/pattern",
         {{"String", " "}},
         "pre_tokenizer.pretokenizers[0].pattern.String"},
        {"/pre_tokenizer/pretokenizers/0/behavior",
         "Removed",
         "pre_tokenizer.pretokenizers[0].behavior"},
        {"/pre_tokenizer/pretokenizers/0/invert", true, "pre_tokenizer.pretokenizers[0].invert"},
        {"/pre_tokenizer/pretokenizers/1/add_prefix_space",
         true,
         "pre_tokenizer.pretokenizers[1].add_prefix_space"},
        {"/pre_tokenizer/pretokenizers/1/use_regex",
         true,
         "pre_tokenizer.pretokenizers[1].use_regex"},
        {"/post_processor/type", "BertProcessing", "post_processor.type"},
        {"/decoder", nullptr, "decoder"},
        {"/decoder/type", "WordPiece", "decoder.type"},
        {"/model", nullptr, "model"},
        {"/model/type", "WordPiece", "model.type"},
        {"/model/dropout", 0.1, "model.dropout"},
        {"/model/continuing_subword_prefix", "##", "model.continuing_subword_prefix"},
        {"/model/end_of_word_suffix", "</w>", "model.end_of_word_suffix"},
        {"/model/byte_fallback", "yes", "model.byte_fallback"},
        {"/model/extra", 1, "model.extra"},
        {"/model/vocab", json::object{}, "model.vocab"},
        {"/model/vocab/a", -1, "model.vocab.a"},
        {"/model/vocab/a", 1e9, "model.vocab.a"},
        {"/model/vocab/a", 1 << 30, "model.vocab.a"},
        {"/model/vocab/b", 97, "model.vocab.b"},
        {"/model/merges", 1, "model.merges"},
        {"/model/merges/0", "a b c", "model.merges[0]"},
        {"/model/merges/0", json::array{"a"}, "model.merges[0]"},
        {"/model/merges/0", json::array{"a", "c"}, "model.merges[0]"},
        {"/added_tokens/0/id", 300, "added_tokens[0]"},
        {"/added_tokens/0/content", "", "added_tokens[0].content"},
        {"/added_tokens/0/content", json::string(2000, 'x'), "added_tokens[0].content"},
        {"/added_tokens/0/special", 1, "added_tokens[0].special"},
        {"/added_tokens/0/extra", 1, "added_tokens[0].extra"},
    };
    for (const auto& [pointer, value, path] : changes) {
        const std::string got = refusal_with(pointer, value);
        EXPECT_TRUE(got.starts_with("tokenizer.json: " + std::string(path) + ": "))
            << pointer << ": " << got;
    }
    EXPECT_EQ(refusal_with("/model/dropout", 0.0), "taken");
    EXPECT_EQ(refusal_with("/model/unk_token", "a"), "taken");  // no byte is unknown
}

TEST(a_tokenizer_file, is_refused_when_two_added_tokens_have_one_text) {
    json::array same{added_token_json(256, "<s>", {}), added_token_json(257, "<s>", {})};
    EXPECT_TRUE(refusal(small_file({}, same)).starts_with("tokenizer.json: added_tokens[1]: "));
    json::array alike{
        added_token_json(256, "ậ", {"normalized"}),
        added_token_json(257, "a\u0323\u0302", {"normalized"})
    };
    const std::string got = refusal(small_file({}, alike));
    EXPECT_TRUE(got.starts_with("tokenizer.json: added_tokens[1].content: ")) << got;
}

TEST(a_tokenizer_file, is_refused_when_it_is_no_json_object) {
    for (const std::string_view text : {"", "[", "[]", "nul", "{\"version\":\"1.0\"}", "\xFF"})
        EXPECT_TRUE(tokenizer::parse(text).has_error()) << text;
    EXPECT_TRUE(tokenizer::parse(std::string(100000, '[')).has_error());
}

}  // namespace
}  // namespace penstock::worker
