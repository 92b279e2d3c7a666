// Reads tokenizer.json, refusing whatever is not executed exactly as `tokenizers` does.
#include "worker/text/tokenizer_source.hpp"

#include "worker/text/json_reader.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_set>

namespace penstock::worker {
namespace {

namespace json = boost::json;

constexpr std::size_t added_bytes_max = 1024;  // of one added token

result<token_id> read_id(const json_reader& from) {
    TRY(const std::int64_t id, from.integer());
    if (id < 0 || id >= ids_max)
        return from.refuse("is not between 0 and " + std::to_string(ids_max - 1));
    return static_cast<token_id>(id);
}

result<bool> read_normalizer(const json_reader& root) {
    TRY(const auto normalizer, root.optional_member("normalizer"));
    if (!normalizer) return false;
    CHECK(normalizer->expect("type", "NFC"));
    CHECK(normalizer->only_members({"type"}));
    return true;
}

result<split_pattern> read_split(const json_reader& split) {
    CHECK(split.expect("type", "Split"));
    CHECK(split.only_members({"type", "pattern", "behavior", "invert"}));
    CHECK(split.expect("behavior", "Isolated"));
    CHECK(split.expect_flag("invert", false));
    TRY(const json_reader pattern, split.member("pattern"));
    CHECK(pattern.only_members({"Regex"}));
    TRY(const std::string_view regex, pattern.string("Regex"));
    const auto known = known_pattern(regex);
    if (!known) return pattern.refuse("is neither Qwen's nor Llama 3's expression");
    return *known;
}

result<split_pattern> read_pre_tokenizer(const json_reader& root) {
    TRY(const json_reader sequence, root.member("pre_tokenizer"));
    CHECK(sequence.expect("type", "Sequence"));
    CHECK(sequence.only_members({"type", "pretokenizers"}));
    TRY(const json_reader steps, sequence.member("pretokenizers"));
    TRY(const json::array* const list, steps.array());
    if (list->size() != 2) return steps.refuse("is not a Split and a ByteLevel");
    TRY(const split_pattern pattern, read_split(steps.element((*list)[0], 0)));
    const json_reader bytes = steps.element((*list)[1], 1);
    CHECK(bytes.expect("type", "ByteLevel"));
    CHECK(bytes.only_members({"type", "add_prefix_space", "trim_offsets", "use_regex"}));
    CHECK(bytes.expect_flag("add_prefix_space", false));
    CHECK(bytes.expect_flag("use_regex", false));
    return pattern;
}

// ByteLevel after encoding and as decoder: its members say nothing about ids or bytes.
result<void> read_byte_level(const json_reader& from) {
    CHECK(from.expect("type", "ByteLevel"));
    return from.only_members({"type", "add_prefix_space", "trim_offsets", "use_regex"});
}

result<std::vector<token_id>> read_special_ids(
    const json_reader& processor, std::string_view name
) {
    TRY(const json_reader specials, processor.member("special_tokens"));
    TRY(const json_reader special, specials.member(name));
    TRY(const json_reader ids, special.member("ids"));
    TRY(const json::array* const list, ids.array());
    std::vector<token_id> read;
    for (std::size_t i = 0; i < list->size(); ++i) {
        TRY(const token_id id, read_id(ids.element((*list)[i], i)));
        read.push_back(id);
    }
    return read;
}

result<void> read_template(const json_reader& processor, tokenizer_source& into) {
    CHECK(processor.only_members({"type", "single", "pair", "special_tokens"}));
    TRY(const json_reader single, processor.member("single"));
    TRY(const json::array* const list, single.array());
    bool behind_text = false;
    for (std::size_t i = 0; i < list->size(); ++i) {
        const json_reader piece = single.element((*list)[i], i);
        CHECK(piece.only_members({"SpecialToken", "Sequence"}));
        TRY(const auto special, piece.optional_member("SpecialToken"));
        if (!special) {
            TRY(const json_reader text, piece.member("Sequence"));
            CHECK(text.expect("id", "A"));
            if (behind_text) return piece.refuse("names the text a second time");
            behind_text = true;
            continue;
        }
        TRY(const std::string_view name, special->string("id"));
        TRY(const std::vector<token_id> ids, read_special_ids(processor, name));
        auto& side = behind_text ? into.suffix : into.prefix;
        side.insert(side.end(), ids.begin(), ids.end());
    }
    if (!behind_text) return single.refuse("does not hold the text");
    return success();
}

result<void> read_processor(const json_reader& processor, tokenizer_source& into) {
    TRY(const std::string_view type, processor.string("type"));
    if (type == "ByteLevel") return read_byte_level(processor);
    if (type == "TemplateProcessing") return read_template(processor, into);
    if (type != "Sequence") {
        TRY(const json_reader at, processor.member("type"));
        return at.refuse("only ByteLevel, TemplateProcessing and a Sequence of them are done here");
    }
    CHECK(processor.only_members({"type", "processors"}));
    TRY(const json_reader steps, processor.member("processors"));
    TRY(const json::array* const list, steps.array());
    bool has_template = false;
    for (std::size_t i = 0; i < list->size(); ++i) {
        const json_reader step = steps.element((*list)[i], i);
        TRY(const std::string_view of_step, step.string("type"));
        const bool is_template = of_step == "TemplateProcessing";
        if (!is_template && of_step != "ByteLevel")
            return step.refuse("only ByteLevel and one TemplateProcessing are done here");
        if (is_template && has_template) return step.refuse("is a second TemplateProcessing");
        has_template = has_template || is_template;
        CHECK(read_processor(step, into));
    }
    return success();
}

result<added_token> read_added_token(const json_reader& from) {
    CHECK(from.only_members(
        {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"}
    ));
    added_token token;
    TRY(const json_reader id, from.member("id"));
    TRY(token.id, read_id(id));
    TRY(const json_reader content, from.member("content"));
    TRY(const std::string_view text, content.string());
    if (text.empty()) return content.refuse("is empty");
    if (text.size() > added_bytes_max)
        return content.refuse("is longer than " + std::to_string(added_bytes_max) + " bytes");
    token.content = text;
    TRY(token.single_word, from.boolean("single_word"));
    TRY(token.lstrip, from.boolean("lstrip"));
    TRY(token.rstrip, from.boolean("rstrip"));
    TRY(token.normalized, from.boolean("normalized"));
    TRY(token.special, from.boolean("special"));
    return token;
}

// `tokenizers` numbers added tokens itself: one that the vocabulary has keeps its id, the others
// come behind it in order. A file that says otherwise would be read differently here and there.
result<void> read_added_tokens(const json_reader& root, tokenizer_source& into) {
    TRY(const auto tokens, root.optional_member("added_tokens"));
    if (!tokens) return success();
    TRY(const json::array* const list, tokens->array());
    TRY(const json_reader model, root.member("model"));
    TRY(const json_reader vocabulary, model.member("vocab"));
    TRY(const json::object* const known, vocabulary.object());
    auto next = static_cast<std::int64_t>(known->size());
    std::unordered_set<std::string> contents;
    for (std::size_t i = 0; i < list->size(); ++i) {
        const json_reader at = tokens->element((*list)[i], i);
        TRY(added_token token, read_added_token(at));
        if (!contents.insert(token.content).second)
            return at.refuse("has the content of another one");
        const json::value* const in_vocabulary = known->if_contains(token.content);
        const std::int64_t id = in_vocabulary != nullptr ? in_vocabulary->get_int64() : next++;
        if (id != token.id)
            return at.refuse(
                "has the id " + std::to_string(token.id) + " where `tokenizers` gives " +
                std::to_string(id)
            );
        into.added.push_back(std::move(token));
    }
    return success();
}

result<void> read_vocabulary(const json_reader& model, tokenizer_source& into) {
    TRY(const json_reader vocabulary, model.member("vocab"));
    TRY(const json::object* const entries, vocabulary.object());
    if (entries->empty()) return vocabulary.refuse("is empty");
    into.vocabulary.reserve(entries->size());
    std::vector<bool> taken;
    for (const auto& entry : *entries) {
        const std::string_view spelled(entry.key().data(), entry.key().size());
        const json::value& value = entry.value();
        if (!value.is_int64() || value.get_int64() < 0 || value.get_int64() >= ids_max) {
            CHECK(read_id(vocabulary.named(value, spelled)));
            continue;
        }
        const auto id = static_cast<std::size_t>(value.get_int64());
        if (id >= taken.size()) taken.resize(std::max(id + 1, 2 * taken.size()));
        if (taken[id]) return vocabulary.named(value, spelled).refuse("has another entry's id");
        taken[id] = true;
        into.vocabulary.push_back({spelled, static_cast<token_id>(id)});
    }
    return success();
}

using merge_pair = std::pair<std::string_view, std::string_view>;

std::string_view view(const json::value& of) noexcept {
    return {of.get_string().data(), of.get_string().size()};
}

// ["a", "b"] or "a b"; none for anything else.
std::optional<merge_pair> merge_in(const json::value& value) noexcept {
    if (value.is_array()) {
        const json::array& pair = value.get_array();
        if (pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string()) return std::nullopt;
        return merge_pair(view(pair[0]), view(pair[1]));
    }
    if (!value.is_string()) return std::nullopt;
    const std::string_view text = view(value);
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos)
        return std::nullopt;
    return merge_pair(text.substr(0, space), text.substr(space + 1));
}

result<void> read_merges(const json_reader& model, tokenizer_source& into) {
    TRY(const json_reader merges, model.member("merges"));
    TRY(const json::array* const list, merges.array());
    into.merges.reserve(list->size());
    for (std::size_t i = 0; i < list->size(); ++i) {
        const json::value& value = (*list)[i];
        if (value.kind() != (*list)[0].kind())
            return merges.element(value, i).refuse("is spelled otherwise than the first");
        // `tokenizers` takes such a line for the head of a merges.txt.
        if (value.is_string() && view(value).starts_with("#version")) continue;
        const auto merge = merge_in(value);
        if (!merge) return merges.element(value, i).refuse("is neither \"a b\" nor [\"a\", \"b\"]");
        into.merges.push_back(*merge);
    }
    return success();
}

result<void> read_model(const json_reader& root, tokenizer_source& into) {
    TRY(const json_reader model, root.member("model"));
    CHECK(model.expect("type", "BPE"));
    CHECK(model.only_members(
        {"type",
         "dropout",
         "unk_token",
         "continuing_subword_prefix",
         "end_of_word_suffix",
         "fuse_unk",
         "byte_fallback",
         "ignore_merges",
         "vocab",
         "merges"}
    ));
    TRY(const auto dropout, model.optional_member("dropout"));
    if (dropout && (!dropout->value().is_number() || dropout->value().to_number<double>() != 0))
        return dropout->refuse("drops merges at random, which is not done here");
    for (const std::string_view name : {"continuing_subword_prefix", "end_of_word_suffix"}) {
        TRY(const auto affix, model.optional_member(name));
        if (!affix) continue;
        TRY(const std::string_view text, affix->string());
        if (!text.empty()) return affix->refuse("is not empty, which is not done here");
    }
    TRY(const auto unknown, model.optional_member("unk_token"));
    if (unknown) into.for_unknown = "model.unk_token";
    TRY(const bool fallback, model.boolean("byte_fallback", false));
    if (fallback) into.for_unknown = "model.byte_fallback";
    TRY(const bool fuse, model.boolean("fuse_unk", false));
    if (fuse) into.for_unknown = "model.fuse_unk";
    TRY(into.ignore_merges, model.boolean("ignore_merges", false));
    CHECK(read_vocabulary(model, into));
    return read_merges(model, into);
}

}  // namespace

result<tokenizer_source> read_tokenizer_json(const json::value& document) {
    const json_reader root(document, {});
    CHECK(root.only_members(
        {"version",
         "truncation",
         "padding",
         "added_tokens",
         "normalizer",
         "pre_tokenizer",
         "post_processor",
         "decoder",
         "model"}
    ));
    CHECK(root.expect("version", "1.0"));
    for (const std::string_view name : {"truncation", "padding"}) {
        TRY(const auto given, root.optional_member(name));
        if (given) return given->refuse("is not done here; it must be null");
    }
    tokenizer_source source;
    TRY(source.nfc, read_normalizer(root));
    TRY(source.pattern, read_pre_tokenizer(root));
    TRY(const auto processor, root.optional_member("post_processor"));
    if (processor) {
        CHECK(read_processor(*processor, source));
    }
    TRY(const json_reader decoder, root.member("decoder"));
    CHECK(read_byte_level(decoder));
    CHECK(read_model(root, source));
    CHECK(read_added_tokens(root, source));
    return source;
}

}  // namespace penstock::worker
