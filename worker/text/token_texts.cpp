// Tokens by id and by text. Only the vocabulary's own texts are ever stored, so a request can
// neither fill the table nor choose what collides in it.
#include "worker/text/token_texts.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace penstock::worker {
namespace {

std::uint64_t load(const char* from, std::size_t bytes) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, from, bytes);
    return word;
}

std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
    a = (a ^ b) * 0x9E3779B97F4A7C15u;
    return a ^ (a >> 32);
}

std::uint64_t hash(std::string_view text) noexcept {
    const char* at = text.data();
    std::size_t left = text.size();
    std::uint64_t state = left * 0xD6E8FEB86659FD93u;
    for (; left >= 8; at += 8, left -= 8)
        state = mix(state, load(at, 8));
    if (left > 0) state = mix(state, load(at, left));
    return mix(state, 0x2545F4914F6CDD1Du);
}

}  // namespace

void token_texts::reserve(std::uint32_t size, std::size_t bytes) {
    spans_.resize(size);
    block_.reserve(bytes);
}

void token_texts::set(token_id id, std::string_view bytes) {
    spans_[static_cast<std::size_t>(id)] = {
        static_cast<std::uint32_t>(block_.size()), static_cast<std::uint32_t>(bytes.size())
    };
    block_.append(bytes);
    longest_ = std::max(longest_, bytes.size());
}

token_index::token_index(const token_texts& texts, std::size_t count)
    : texts_(&texts), slots_(std::bit_ceil(std::max<std::size_t>(count * 2, 2))) {}

void token_index::insert(token_id id) {
    const std::string_view text = texts_->text(id);
    const std::uint64_t key = hash(text);
    std::size_t at = key & (slots_.size() - 1);
    while (slots_[at].id != token_texts::none)
        at = (at + 1) & (slots_.size() - 1);
    slots_[at] = {static_cast<std::uint32_t>(key >> 32), id};
    longest_ = std::max(longest_, text.size());
}

token_id token_index::find(std::string_view text) const noexcept {
    if (text.size() > longest_) return token_texts::none;
    const std::uint64_t key = hash(text);
    const auto tag = static_cast<std::uint32_t>(key >> 32);
    for (std::size_t at = key & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
        const slot& found = slots_[at];
        if (found.id == token_texts::none) return token_texts::none;
        if (found.tag == tag && texts_->text(found.id) == text) return found.id;
    }
}

}  // namespace penstock::worker
