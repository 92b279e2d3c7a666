// Code points over UTF-8, and ICU asked for what they are.
#include "worker/text/jinja/unicode.hpp"

#include <algorithm>
#include <string>
#include <unicode/uchar.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

namespace penstock::worker::jinja {
namespace {

// Length of the well-formed sequence at `at`; 1 with `bad` for a byte that begins none.
std::size_t sequence_length(std::string_view text, std::size_t at, bool& bad) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(at);
    bad = false;
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    bad = lead < 0xc2 || lead > 0xf4 || text.size() - at < length;
    for (std::size_t i = 1; i < length && !bad; ++i)
        bad = (byte(at + i) & 0xc0) != 0x80;
    if (!bad && length > 2) {
        const unsigned char second = byte(at + 1);
        bad = (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
              (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f);
    }
    return bad ? 1 : length;
}

std::u16string to_utf16(std::string_view text) {
    std::u16string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const auto code = static_cast<std::uint32_t>(next_code_point(text, at));
        if (code < 0x10000) {
            out += static_cast<char16_t>(code);
        } else {
            out += static_cast<char16_t>(U16_LEAD(code));
            out += static_cast<char16_t>(U16_TRAIL(code));
        }
    }
    return out;
}

std::string to_utf8(std::u16string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        UChar32 code = 0;
        U16_NEXT(text.data(), at, text.size(), code);
        append_code_point(out, static_cast<char32_t>(code));
    }
    return out;
}

using case_mapping = int32_t (*)(UChar*, int32_t, const UChar*, int32_t, const char*, UErrorCode*);

// In the root locale, whatever the machine's is.
std::string map_case(std::string_view text, case_mapping map) {
    const std::u16string from = to_utf16(text);
    std::u16string to(from.size() * 3 + 3, u'\0');  // no code point maps to more than three
    UErrorCode status = U_ZERO_ERROR;
    const int32_t length =
        map(to.data(),
            static_cast<int32_t>(to.size()),
            from.data(),
            static_cast<int32_t>(from.size()),
            "",
            &status);
    if (U_FAILURE(status)) return std::string(text);
    to.resize(static_cast<std::size_t>(length));
    return to_utf8(to);
}

std::string title_of(char32_t code) {
    std::string one;
    append_code_point(one, code);
    const auto mapped = static_cast<char32_t>(u_totitle(static_cast<UChar32>(code)));
    if (mapped != code) {
        one.clear();
        append_code_point(one, mapped);
        return one;
    }
    // "ß" and the ligatures have no title form of one code point; their second letter stays small.
    const std::string upper = to_upper(one);
    std::size_t at = 0;
    next_code_point(upper, at);
    return upper == one ? one : upper.substr(0, at) + to_lower(upper.substr(at));
}

}  // namespace

char32_t next_code_point(std::string_view text, std::size_t& at) noexcept {
    bool bad = false;
    const std::size_t length = sequence_length(text, at, bad);
    const auto lead = static_cast<unsigned char>(text[at]);
    char32_t code = lead;
    if (bad) code = 0xdc00 + lead;
    if (length > 1) code = lead & (0x7fu >> length);
    for (std::size_t i = 1; i < length; ++i)
        code = code << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3f);
    at += length;
    return code;
}

std::size_t before_code_point(std::string_view text, std::size_t end) noexcept {
    for (std::size_t back = 1; back <= std::min<std::size_t>(4, end); ++back) {
        bool bad = false;
        if (sequence_length(text.substr(0, end), end - back, bad) == back && !bad)
            return end - back;
    }
    return end - 1;
}

std::size_t count_code_points(std::string_view text) noexcept {
    std::size_t count = 0;
    for (std::size_t at = 0; at < text.size(); ++count)
        next_code_point(text, at);
    return count;
}

std::size_t offset_of_code_point(std::string_view text, std::size_t index) noexcept {
    std::size_t at = 0;
    while (index-- != 0 && at < text.size())
        next_code_point(text, at);
    return at;
}

void append_code_point(std::string& out, char32_t code) {
    if (code >= 0xdc80 && code <= 0xdcff) {
        out += static_cast<char>(code - 0xdc00);
    } else if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        out += static_cast<char>(0xc0 | code >> 6);
        out += static_cast<char>(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        out += static_cast<char>(0xe0 | code >> 12);
        out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
        out += static_cast<char>(0x80 | (code & 0x3f));
    } else {
        out += static_cast<char>(0xf0 | code >> 18);
        out += static_cast<char>(0x80 | (code >> 12 & 0x3f));
        out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
        out += static_cast<char>(0x80 | (code & 0x3f));
    }
}

bool is_space(char32_t code) noexcept {
    return (code >= 9 && code <= 13) || (code >= 0x1c && code <= 0x20) || code == 0x85 ||
           code == 0xa0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
           code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

bool is_printable(char32_t code) noexcept {
    if (code >= 0xd800 && code <= 0xdfff) return false;
    constexpr std::uint32_t hidden = U_GC_C_MASK | U_GC_Z_MASK;
    return code == ' ' || (U_MASK(u_charType(static_cast<UChar32>(code))) & hidden) == 0;
}

bool is_cased(char32_t code) noexcept {
    return u_hasBinaryProperty(static_cast<UChar32>(code), UCHAR_CASED);
}

bool is_upper(char32_t code) noexcept {
    return u_hasBinaryProperty(static_cast<UChar32>(code), UCHAR_UPPERCASE);
}

bool is_lower(char32_t code) noexcept {
    return u_hasBinaryProperty(static_cast<UChar32>(code), UCHAR_LOWERCASE);
}

bool is_alpha(char32_t code) noexcept {
    return (U_MASK(u_charType(static_cast<UChar32>(code))) & U_GC_L_MASK) != 0;
}

bool is_decimal(char32_t code) noexcept {
    return u_charType(static_cast<UChar32>(code)) == U_DECIMAL_DIGIT_NUMBER;
}

bool is_digit(char32_t code) noexcept {
    const auto type = u_getIntPropertyValue(static_cast<UChar32>(code), UCHAR_NUMERIC_TYPE);
    return type == U_NT_DECIMAL || type == U_NT_DIGIT;
}

bool is_numeric(char32_t code) noexcept {
    return u_getIntPropertyValue(static_cast<UChar32>(code), UCHAR_NUMERIC_TYPE) != U_NT_NONE;
}

bool is_word(char32_t code) noexcept {
    return code == '_' || is_alpha(code) || is_numeric(code);
}

bool is_upper(std::string_view text) noexcept {
    bool found = false;
    for (std::size_t at = 0; at < text.size();) {
        const char32_t code = next_code_point(text, at);
        if (is_cased(code) && !is_upper(code)) return false;
        found = found || is_upper(code);
    }
    return found;
}

bool is_lower(std::string_view text) noexcept {
    bool found = false;
    for (std::size_t at = 0; at < text.size();) {
        const char32_t code = next_code_point(text, at);
        if (is_cased(code) && !is_lower(code)) return false;
        found = found || is_lower(code);
    }
    return found;
}

std::string to_upper(std::string_view text) {
    return map_case(text, u_strToUpper);
}

std::string to_lower(std::string_view text) {
    return map_case(text, u_strToLower);
}

std::string capitalized(std::string_view text) {
    if (text.empty()) return {};
    std::size_t at = 0;
    const char32_t first = next_code_point(text, at);
    return title_of(first) + to_lower(text.substr(at));
}

std::string title_cased(std::string_view text) {
    std::string out;
    bool in_word = false;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t begin = at;
        const char32_t code = next_code_point(text, at);
        out += in_word ? to_lower(text.substr(begin, at - begin)) : title_of(code);
        in_word = is_cased(code);
    }
    return out;
}

std::string swapped_case(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t begin = at;
        const char32_t code = next_code_point(text, at);
        const std::string_view one = text.substr(begin, at - begin);
        out += is_upper(code) ? to_lower(one) : is_lower(code) ? to_upper(one) : std::string(one);
    }
    return out;
}

stretch stripped(
    std::string_view text, std::optional<std::string_view> chars, bool at_begin, bool at_end
) {
    std::u32string set;
    for (std::size_t at = 0; chars && at < chars->size();)
        set += next_code_point(*chars, at);
    std::sort(set.begin(), set.end());
    const auto goes = [&](char32_t code) {
        return chars ? std::binary_search(set.begin(), set.end(), code) : is_space(code);
    };
    stretch kept{0, text.size()};
    for (std::size_t at = 0; at_begin && kept.begin < text.size(); kept.begin = at)
        if (!goes(next_code_point(text, at))) break;
    while (at_end && kept.end > kept.begin) {
        const std::size_t begin = before_code_point(text, kept.end);
        std::size_t at = begin;
        if (!goes(next_code_point(text, at))) break;
        kept.end = begin;
    }
    return kept;
}

}  // namespace penstock::worker::jinja
