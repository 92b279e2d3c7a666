// Reads a vocabulary and its merges: hundreds of thousands of values, so that paths are made for
// those only that are refused.
#include "worker/text/tokenizer_model_source.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace penstock::worker {
namespace {

namespace json = boost::json;

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

}  // namespace

result<token_id> read_id(const json_reader& from) {
    TRY(const std::int64_t id, from.integer());
    if (id < 0 || id >= ids_max)
        return from.refuse("is not between 0 and " + std::to_string(ids_max - 1));
    return static_cast<token_id>(id);
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

}  // namespace penstock::worker
