// Candidates are quotes before one of six letters, sixteen places at a time.
#include "answer_tokens.hpp"

#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace penstock::openai {
namespace {

constexpr bool is_space(char c) noexcept {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

const char* past_space(const char* p, const char* end) noexcept {
    while (p != end && is_space(*p))
        ++p;
    return p;
}

// The value of the member whose name ends at `p`, or null when it was no member's name.
const char* value_after(const char* p, const char* end) noexcept {
    p = past_space(p, end);
    if (p == end || *p != ':') return nullptr;
    return past_space(p + 1, end);
}

bool is_null(const char* p, const char* end) noexcept {
    return p == end || *p == 'n';
}

bool is_filled(const char* p, const char* end) noexcept {
    if (p == end || (*p != '"' && *p != '[' && *p != '{')) return false;
    const char close = *p == '"' ? '"' : static_cast<char>(*p + 2);
    p = *p == '"' ? p + 1 : past_space(p + 1, end);
    return p != end && *p != close;
}

enum class word : std::uint8_t {
    none,
    text,  // of the answer, where its value is a string that is not empty
    call,  // of a tool, where its value is not empty
    error,
    usage
};

// Whether `quoted`, with both its quotes, begins at `p`.
template <std::size_t N>
bool begins(const char* p, const char* end, const char (&quoted)[N], const char*& behind) noexcept {
    constexpr std::size_t size = N - 1;
    if (static_cast<std::size_t>(end - p) < size || std::memcmp(p, quoted, size) != 0) return false;
    behind = p + size;
    return true;
}

inline word word_at(const char* p, const char* end, const char*& behind) noexcept {
    const auto is = [&](const auto& quoted) { return begins(p, end, quoted, behind); };
    switch (p + 1 == end ? '\0' : p[1]) {
        case 'c':
            return is("\"content\"") ? word::text : word::none;
        case 'e':
            return is("\"error\"") ? word::error : word::none;
        case 'f':
            return is("\"function_call\"") ? word::call : word::none;
        case 'r':
            return is("\"reasoning_content\"") || is("\"reasoning\"") || is("\"refusal\"")
                       ? word::text
                       : word::none;
        case 't':
            if (is("\"text\"")) return word::text;
            return is("\"tool_calls\"") ? word::call : word::none;
        case 'u':
            return is("\"usage\"") ? word::usage : word::none;
        default:
            return word::none;
    }
}

// `p` stands at a quote.
inline void look_at(const char* p, const char* end, answer_tokens& found) noexcept {
    const char* behind;
    const word what = word_at(p, end, behind);
    if (what == word::none) return;
    const char* const value = value_after(behind, end);
    if (value == nullptr)
        found.look |= what == word::error;
    else if (what == word::error || what == word::usage)
        found.look |= !is_null(value, end);
    else if (what == word::call || (value != end && *value == '"'))
        found.content |= is_filled(value, end);
}

}  // namespace

answer_tokens tokens_of(std::string_view json) noexcept {
    answer_tokens found;
    const char* p = json.data();
    const char* const end = p + json.size();
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"');
    const auto is = [](__m128i bytes, char c) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)); };
    for (; end - p >= 17; p += 16) {
        const __m128i here = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
        const __m128i next = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 1));
        const __m128i letter = _mm_or_si128(
            _mm_or_si128(_mm_or_si128(is(next, 'c'), is(next, 'e')), is(next, 'f')),
            _mm_or_si128(_mm_or_si128(is(next, 'r'), is(next, 't')), is(next, 'u'))
        );
        const __m128i both = _mm_and_si128(_mm_cmpeq_epi8(here, quote), letter);
        for (int mask = _mm_movemask_epi8(both); mask != 0; mask &= mask - 1)
            look_at(p + __builtin_ctz(static_cast<unsigned>(mask)), end, found);
    }
#endif
    while (p != end) {
        p = static_cast<const char*>(std::memchr(p, '"', static_cast<std::size_t>(end - p)));
        if (p == nullptr) break;
        look_at(p, end, found);
        ++p;
    }
    return found;
}

bool has_choice(std::string_view bytes) noexcept {
    constexpr std::string_view name = "\"choices\"";
    const char* const end = bytes.data() + bytes.size();
    for (std::size_t at = bytes.find(name); at != bytes.npos; at = bytes.find(name, at + 1)) {
        const char* value = value_after(bytes.data() + at + name.size(), end);
        if (value != nullptr && value != end && *value == '[' && is_filled(value, end)) return true;
    }
    return false;
}

}  // namespace penstock::openai
