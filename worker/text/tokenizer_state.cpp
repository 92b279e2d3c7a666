// Builds a tokenizer's tables from what its file says.
#include "worker/text/tokenizer_state.hpp"

#include "worker/text/byte_level.hpp"
#include "worker/text/nfc.hpp"

#include <algorithm>

namespace penstock::worker {
namespace {

error refuse(const std::string& path, const std::string& what) {
    return {errc::invalid_value, "tokenizer.json: " + path + ": " + what};
}

std::uint32_t size_for(const tokenizer_source& source) noexcept {
    token_id last = -1;
    for (const auto& entry : source.vocabulary)
        last = std::max(last, entry.id);
    for (const auto& token : source.added)
        last = std::max(last, token.id);
    return static_cast<std::uint32_t>(last + 1);
}

std::size_t spelled_bytes(const tokenizer_source& source) noexcept {
    std::size_t bytes = 0;
    for (const auto& entry : source.vocabulary)
        bytes += entry.spelled.size();
    return bytes;
}

// The merges by id. The vocabulary is looked up as it is spelled, since a token may be spelled with
// characters that stand for no byte.
result<merge_table> build_merges(const tokenizer_source& source, std::uint32_t size) {
    token_texts spelled;
    spelled.reserve(size, spelled_bytes(source));
    token_index by_spelling(spelled, source.vocabulary.size());
    for (const auto& entry : source.vocabulary) {
        spelled.set(entry.id, entry.spelled);
        by_spelling.insert(entry.id);
    }
    merge_table merges(source.merges.size());
    std::string joined;
    for (std::size_t rank = 0; rank < source.merges.size(); ++rank) {
        const auto& [left, right] = source.merges[rank];
        joined.assign(left).append(right);
        const token_id a = by_spelling.find(left), b = by_spelling.find(right);
        const token_id made = by_spelling.find(joined);
        if (a == token_texts::none || b == token_texts::none || made == token_texts::none)
            return refuse(
                "model.merges[" + std::to_string(rank) + "]", "names what the vocabulary lacks"
            );
        merges.insert(a, b, {static_cast<std::uint32_t>(rank), made});
    }
    return merges;
}

// Bytes of UTF-8 that have no token are dropped; what else a file wants of them is not done here.
result<void> check_bytes(const tokenizer_source& source, const token_index& by_text) {
    if (source.for_unknown.empty()) return success();
    for (unsigned byte = 0; byte < 0xF5; ++byte) {
        if (byte == 0xC0 || byte == 0xC1) continue;
        const char text = static_cast<char>(byte);
        if (by_text.find({&text, 1}) == token_texts::none)
            return refuse(
                std::string(source.for_unknown), "is not done here where a byte has no token"
            );
    }
    return success();
}

}  // namespace

result<std::unique_ptr<const tokenizer::state>> tokenizer::state::build(
    const tokenizer_source& source
) {
    auto made = std::make_unique<state>();
    made->nfc = source.nfc;
    made->pattern = source.pattern;
    made->prefix = source.prefix;
    made->suffix = source.suffix;
    const std::uint32_t size = size_for(source);
    made->special.resize(size);
    made->texts.reserve(size, spelled_bytes(source));
    made->by_text.emplace(made->texts, source.vocabulary.size());
    std::string bytes;
    for (const auto& entry : source.vocabulary) {
        bytes.clear();
        const bool spells_bytes = append_spelled_bytes(entry.spelled, bytes);
        made->texts.set(entry.id, spells_bytes ? std::string_view(bytes) : entry.spelled);
        if (!bytes.empty()) made->by_text->insert(entry.id);
    }
    CHECK(check_bytes(source, *made->by_text));
    TRY(merge_table merges, build_merges(source, size));
    made->model.emplace(*made->by_text, std::move(merges), size, source.ignore_merges);

    for (std::size_t i = 0; i < source.added.size(); ++i) {
        added_token token = source.added[i];
        const auto id = static_cast<std::size_t>(token.id);
        // One that the vocabulary has keeps its bytes there, as when `tokenizers` decodes it.
        if (made->texts.text(token.id).empty()) made->texts.set(token.id, token.content);
        made->special[id] = token.special;
        made->added.emplace_back(token.content, token.id);
        moved_ranges none({});
        if (token.normalized && source.nfc) token.content = to_nfc(token.content, none);
        if (!(token.normalized ? made->normalized : made->raw).add(token))
            return refuse(
                "added_tokens[" + std::to_string(i) + "].content", "is another one's, normalized"
            );
    }
    std::sort(made->added.begin(), made->added.end());
    return std::unique_ptr<const state>(std::move(made));
}

}  // namespace penstock::worker
