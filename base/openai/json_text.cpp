// Decoding, counting and writing of JSON strings.
#include "json_text.hpp"

#include "json_escapes.hpp"
#include "penstock/hex.hpp"

#include <simdjson.h>

#include <algorithm>
#include <array>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace penstock::openai {
namespace {

// First bytes of code points of at least two, three and four bytes.
struct lead_counts {
    std::uint64_t two = 0, three = 0, four = 0;
};

void count_leads_bytewise(const char* p, const char* end, lead_counts& leads) noexcept {
    for (; p != end; ++p) {
        const auto c = static_cast<unsigned char>(*p);
        leads.two += c >= 0xc0;
        leads.three += c >= 0xe0;
        leads.four += c >= 0xf0;
    }
}

#if defined(__SSE2__)
std::uint64_t sum_of_bytes(__m128i bytes) noexcept {
    const __m128i halves = _mm_sad_epu8(bytes, _mm_setzero_si128());
    return static_cast<std::uint64_t>(_mm_cvtsi128_si64(halves)) +
           static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(halves, halves)));
}

__m128i at_least(__m128i bytes, char least) noexcept {
    return _mm_cmpeq_epi8(_mm_max_epu8(bytes, _mm_set1_epi8(least)), bytes);
}

// Counts up to 255 of each place.
__m128i count_at_least(__m128i count, __m128i bytes, char least) noexcept {
    return _mm_sub_epi8(count, at_least(bytes, least));
}

// Whole blocks of sixteen; returns where it stopped.
const char* count_leads_in_blocks(const char* p, const char* end, lead_counts& leads) noexcept {
    while (end - p >= 16) {
        __m128i two = _mm_setzero_si128(), three = two, four = two;
        for (int blocks = 0; blocks < 255 && end - p >= 16; p += 16) {
            const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
            if (_mm_movemask_epi8(bytes) == 0) continue;
            ++blocks;
            two = count_at_least(two, bytes, static_cast<char>(0xc0));
            if (_mm_movemask_epi8(at_least(bytes, static_cast<char>(0xe0))) == 0) continue;
            three = count_at_least(three, bytes, static_cast<char>(0xe0));
            four = count_at_least(four, bytes, static_cast<char>(0xf0));
        }
        leads.two += sum_of_bytes(two);
        leads.three += sum_of_bytes(three);
        leads.four += sum_of_bytes(four);
    }
    return p;
}

// Whether the last bytes, fewer than sixteen, of a text of `size` are all ASCII, told at one look.
bool is_ascii_tail(const char* p, const char* end, std::size_t size) noexcept {
    if (size < 16) return p == end;
    const __m128i last = _mm_loadu_si128(reinterpret_cast<const __m128i*>(end - 16));
    return _mm_movemask_epi8(last) >> (16 - (end - p)) == 0;
}
#endif

std::size_t encode_utf8(std::uint32_t code, char* out) noexcept {
    const auto tail = [&](int shift) { return static_cast<char>(0x80 | (code >> shift & 0x3f)); };
    if (code < 0x80) {
        out[0] = static_cast<char>(code);
        return 1;
    }
    if (code < 0x800) {
        out[0] = static_cast<char>(0xc0 | code >> 6);
        out[1] = tail(0);
        return 2;
    }
    if (code < 0x10000) {
        out[0] = static_cast<char>(0xe0 | code >> 12);
        out[1] = tail(6);
        out[2] = tail(0);
        return 3;
    }
    out[0] = static_cast<char>(0xf0 | code >> 18);
    out[1] = tail(12);
    out[2] = tail(6);
    out[3] = tail(0);
    return 4;
}

// Decodes the escape at `p`, moves `p` past it.
std::size_t decode_escape(const char*& p, char* out) noexcept {
    if (p[1] != 'u') {
        out[0] = escape_letters[static_cast<unsigned char>(p[1])];
        p += 2;
        return 1;
    }
    auto code = static_cast<std::uint32_t>(hex_value(p + 2));
    p += 6;
    if (code >= 0xd800 && code < 0xdc00) {
        code = 0x10000 + ((code - 0xd800) << 10) +
               (static_cast<std::uint32_t>(hex_value(p + 2)) - 0xdc00);
        p += 6;
    }
    return encode_utf8(code, out);
}

// What the escapes of a string decode to, instead of the bytes that spell them.
void add_escapes(const json_string& string, text_bytes& into) noexcept {
    into.latin += string.decoded_bytes[0] - string.escape_bytes;
    into.cyrillic += string.decoded_bytes[1];
    into.cjk += string.decoded_bytes[2];
    into.other += string.decoded_bytes[3];
}

}  // namespace

bool is_ascii(std::string_view text) noexcept {
    const char* p = text.data();
    const char* const end = p + text.size();
#if defined(__SSE2__)
    const auto at = [](const char* q) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(q));
    };
    for (; end - p >= 64; p += 64) {
        const __m128i half = _mm_or_si128(at(p), at(p + 16));
        const __m128i all = _mm_or_si128(half, _mm_or_si128(at(p + 32), at(p + 48)));
        if (_mm_movemask_epi8(all) != 0) return false;
    }
#endif
    return std::none_of(p, end, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

void count_text(std::string_view raw, const json_string& string, text_bytes& into) noexcept {
    count_text(raw, into);
    add_escapes(string, into);
}

void count_ascii(const json_string& string, text_bytes& into) noexcept {
    into.latin += string.size();
    add_escapes(string, into);
}

void count_text(std::string_view text, text_bytes& into) noexcept {
    const char* p = text.data();
    const char* const end = p + text.size();
    lead_counts leads;
#if defined(__SSE2__)
    p = count_leads_in_blocks(p, end, leads);
    if (!is_ascii_tail(p, end, text.size()))
#endif
        count_leads_bytewise(p, end, leads);
    const auto cyrillic = static_cast<std::uint32_t>(2 * (leads.two - leads.three));
    const auto cjk = static_cast<std::uint32_t>(3 * (leads.three - leads.four));
    const auto other = static_cast<std::uint32_t>(4 * leads.four);
    into.latin += static_cast<std::uint32_t>(text.size()) - cyrillic - cjk - other;
    into.cyrillic += cyrillic;
    into.cjk += cjk;
    into.other += other;
}

std::size_t decode_string(std::string_view raw, char* const out, std::size_t room) noexcept {
    const char* p = raw.data();
    const char* const end = p + raw.size();
    char* to = out;
    char* const limit = out + room;
    while (p != end && to != limit) {
        if (*p == '\\') {
            if (limit - to >= 4) {
                to += decode_escape(p, to);
                continue;
            }
            std::array<char, 4> decoded;
            const auto size = static_cast<std::ptrdiff_t>(decode_escape(p, decoded.data()));
            to = std::copy_n(decoded.data(), std::min(size, limit - to), to);
            continue;
        }
#if defined(__SSE2__)
        if (end - p >= 16 && limit - to >= 16) {
            const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
            _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
            const int found = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
            const int plain = found != 0 ? __builtin_ctz(static_cast<unsigned>(found)) : 16;
            p += plain;
            to += plain;
            continue;
        }
#endif
        *to++ = *p++;
    }
    return static_cast<std::size_t>(to - out);
}

std::string decoded_string(std::string_view raw) {
    std::string text(raw.size(), '\0');
    text.resize(decode_string(raw, text.data(), text.size()));
    return text;
}

void append_json_string(std::string& out, std::string_view text) {
    const bool valid = simdjson::validate_utf8(text.data(), text.size());
    out += '"';
    for (char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else if (byte < 0x20) {
            out += "\\u";
            append_hex(out, byte, 4);
        } else {
            out += byte >= 0x80 && !valid ? '?' : c;
        }
    }
    out += '"';
}

}  // namespace penstock::openai
