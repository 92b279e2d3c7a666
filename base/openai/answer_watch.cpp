// Finds the usage of an unstreamed answer without keeping the answer.
#include "penstock/openai/answer.hpp"
#include "usage.hpp"

#include <algorithm>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace penstock::openai {
namespace {

// The first byte of [p, end) that opens or closes something, or end.
const char* find_bracket_or_quote(const char* p, const char* end) noexcept {
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i open = _mm_set1_epi8('{'), close = _mm_set1_epi8('}');
    const __m128i fold = _mm_set1_epi8(0x20);  // [ and ] become { and }
    for (; end - p >= 16; p += 16) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
        const __m128i folded = _mm_or_si128(bytes, fold);
        const __m128i found = _mm_or_si128(
            _mm_cmpeq_epi8(bytes, quote),
            _mm_or_si128(_mm_cmpeq_epi8(folded, open), _mm_cmpeq_epi8(folded, close))
        );
        const int mask = _mm_movemask_epi8(found);
        if (mask != 0) return p + __builtin_ctz(static_cast<unsigned>(mask));
    }
#endif
    while (p != end && std::strchr("\"{}[]", *p) == nullptr)
        ++p;
    return p;
}

// The first quote or backslash, or end.
const char* find_string_end(const char* p, const char* end) noexcept {
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
    for (; end - p >= 16; p += 16) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
        const int mask = _mm_movemask_epi8(
            _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash))
        );
        if (mask != 0) return p + __builtin_ctz(static_cast<unsigned>(mask));
    }
#endif
    while (p != end && *p != '"' && *p != '\\')
        ++p;
    return p;
}

}  // namespace

void answer_watch::feed(std::string_view bytes) {
    const char* p = bytes.data();
    const char* const end = p + bytes.size();
    const char* kept_from = p;
    while (p != end) {
        if (in_string_) {
            p = pass_string(p, end);
            continue;
        }
        if (depth_ != 1) p = find_bracket_or_quote(p, end);
        if (p == end) break;
        const char c = *p++;
        if (c == '"') {
            begin_string();
        } else if (c == '{' || c == '[') {
            if (c == '{' && begins_usage()) {
                capturing_ = true;
                kept_from = p - 1;
            }
            ++depth_;
        } else if (c == '}' || c == ']') {
            if (depth_ != 0) --depth_;
            if (capturing_ && depth_ == 1) {
                keep(kept_from, p);
                end_capture();
            }
        } else if (c == ':' || c == ',') {
            after_colon_ = c == ':';
        }
    }
    if (capturing_) keep(kept_from, end);
}

void answer_watch::begin_string() {
    in_string_ = true;
    in_key_ = depth_ == 1 && !after_colon_;
    key_size_ = 0;
}

// A longer name is none that is looked for, and is told by its size.
void answer_watch::keep_key(const char* from, const char* to) noexcept {
    const auto size = static_cast<std::size_t>(to - from);
    const std::size_t room = key_.size() - key_size_;
    std::copy_n(from, std::min(size, room), key_.data() + key_size_);
    key_size_ += static_cast<std::uint8_t>(std::min(size, room));
}

// Returns where the string ends, or `end`.
const char* answer_watch::pass_string(const char* p, const char* end) {
    if (escaped_) {
        escaped_ = false;
        return p + 1;
    }
    const char* const stop = find_string_end(p, end);
    if (stop == end) {
        if (in_key_) keep_key(p, stop);
        return end;
    }
    escaped_ = *stop == '\\';
    in_string_ = escaped_;
    if (in_key_) keep_key(p, stop + (escaped_ ? 1 : 0));
    return stop + 1;
}

bool answer_watch::begins_usage() const noexcept {
    if (depth_ != 1 || !after_colon_) return false;
    const std::string_view key(key_.data(), key_size_);
    return key == "usage" || (key == "meta" && spoken_ == dialect::rerank);
}

void answer_watch::keep(const char* from, const char* to) {
    const auto size = static_cast<std::size_t>(to - from);
    if (captured_.size() + size > usage_bytes_max) {
        capturing_ = false;
        captured_ = {};
        return;
    }
    captured_.append(from, size);
}

void answer_watch::end_capture() {
    constexpr std::uint32_t any_depth = 1024;
    usage read = found_;
    json_cursor at(captured_, any_depth);
    if (capturing_ && merge_usage(at, read)) found_ = read;
    capturing_ = false;
    captured_ = {};
}

}  // namespace penstock::openai
