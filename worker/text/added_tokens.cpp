// The search for added tokens, with what `tokenizers` does around a match: whole words, and spaces
// that a token takes along.
#include "worker/text/added_tokens.hpp"

#include "worker/text/unicode_classes.hpp"
#include "worker/text/utf8.hpp"

#include <algorithm>
#include <cstring>

namespace penstock::worker {
namespace {

constexpr int many_starts = -2;

std::size_t character_before(std::string_view text, std::size_t at) noexcept {
    do
        --at;
    while (continues_utf8(text[at]));
    return at;
}

char32_t code_at(std::string_view text, std::size_t at) noexcept {
    return read_valid_utf8(text.data() + at).code;
}

bool is_space_at(std::string_view text, std::size_t at) noexcept {
    const char_class what = unicode_classes::get().of(code_at(text, at));
    return what == char_class::space || what == char_class::newline;
}

bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) noexcept {
    const bool before =
        begin > 0 && is_word_character(code_at(text, character_before(text, begin)));
    return !before && (end == text.size() || !is_word_character(code_at(text, end)));
}

std::size_t without_spaces_before(
    std::string_view text, std::size_t at, std::size_t lowest
) noexcept {
    while (at > lowest) {
        const std::size_t before = character_before(text, at);
        if (!is_space_at(text, before)) break;
        at = before;
    }
    return at;
}

std::size_t behind_spaces(std::string_view text, std::size_t at) noexcept {
    while (at < text.size() && is_space_at(text, at))
        at += read_valid_utf8(text.data() + at).length;
    return at;
}

}  // namespace

std::uint32_t added_matcher::child(std::uint32_t of, char byte) const noexcept {
    std::uint32_t at = nodes_[of].first_child;
    while (at != 0 && nodes_[at].byte != byte)
        at = nodes_[at].next_sibling;
    return at;
}

bool added_matcher::add(const added_token& token) {
    std::uint32_t at = 0;
    for (const char byte : token.content) {
        std::uint32_t next = child(at, byte);
        if (next == 0) {
            next = static_cast<std::uint32_t>(nodes_.size());
            nodes_.push_back({0, nodes_[at].first_child, -1, byte});
            nodes_[at].first_child = next;
        }
        at = next;
    }
    if (nodes_[at].token >= 0) return false;
    nodes_[at].token = static_cast<std::int32_t>(tokens_.size());
    tokens_.push_back(token);
    const auto start = static_cast<unsigned char>(token.content.front());
    starts_[start] = true;
    if (only_start_ != start) only_start_ = only_start_ == -1 ? start : many_starts;
    has_special_ = has_special_ || token.special;
    return true;
}

std::size_t added_matcher::next_start(std::string_view text, std::size_t at) const noexcept {
    if (only_start_ >= 0) {
        const std::size_t found = text.find(static_cast<char>(only_start_), at);
        return std::min(found, text.size());
    }
    while (at < text.size() && !starts_[static_cast<unsigned char>(text[at])])
        ++at;
    return at;
}

added_matcher::found added_matcher::longest_at(
    std::string_view text, std::size_t at, std::size_t user_begin, std::size_t user_end
) const noexcept {
    found best;
    std::uint32_t state = 0;
    for (std::size_t end = at; end < text.size();) {
        state = child(state, text[end++]);
        if (state == 0) break;
        const std::int32_t token = nodes_[state].token;
        if (token < 0) continue;
        const bool of_user = user_begin < end && user_end > at;
        if (!of_user || !tokens_[static_cast<std::size_t>(token)].special) best = {end - at, token};
    }
    return best;
}

void added_matcher::find(
    std::string_view text, std::span<const user_range> users, std::vector<added_match>& out
) const {
    if (tokens_.empty()) return;
    std::size_t behind_last = 0;  // where text that no match took begins
    std::size_t user = 0;
    for (std::size_t at = next_start(text, 0); at < text.size(); at = next_start(text, at)) {
        while (user < users.size() && users[user].end <= at)
            ++user;
        const bool has_user = user < users.size();
        const found match = longest_at(
            text,
            at,
            has_user ? users[user].begin : text.size(),
            has_user ? users[user].end : text.size()
        );
        if (match.token < 0) {
            ++at;
            continue;
        }
        const added_token& token = tokens_[static_cast<std::size_t>(match.token)];
        std::size_t begin = at, end = at + match.size;
        at = end;  // also behind a match that is then discarded, and before spaces that it takes
        if (token.single_word && !stands_alone(text, begin, end)) continue;
        if (token.lstrip)
            begin = std::max(without_spaces_before(text, begin, behind_last), behind_last);
        if (token.rstrip) end = behind_spaces(text, end);
        out.push_back({begin, end, token.id});
        behind_last = end;
    }
}

}  // namespace penstock::worker
