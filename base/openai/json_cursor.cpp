// The tokens of JSON. Strings are skipped sixteen bytes at a time.
#include "json_cursor.hpp"

#include "json_escapes.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace penstock::openai {
namespace {

constexpr std::uint32_t depth_of_the_stack = 1024;

constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

constexpr bool ends_plain(char c) noexcept {
    return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
}

// The first quote, backslash or control byte of [p, end), or end.
inline const char* skip_plain(const char* p, const char* end) noexcept {
#if defined(__SSE2__)
    // With its bit 1 turned over the quote is 0x20, and control bytes stay below.
    const __m128i bit_1 = _mm_set1_epi8(2), quote = _mm_set1_epi8('"' ^ 2);
    const __m128i backslash = _mm_set1_epi8('\\');
    const auto stops_at = [&](const char* at) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
        const __m128i turned = _mm_xor_si128(bytes, bit_1);
        const __m128i quote_or_control = _mm_cmpeq_epi8(_mm_min_epu8(turned, quote), turned);
        return _mm_or_si128(quote_or_control, _mm_cmpeq_epi8(bytes, backslash));
    };
    while (end - p >= 16) {
        const int found = _mm_movemask_epi8(stops_at(p));
        if (found != 0) return p + __builtin_ctz(static_cast<unsigned>(found));
        p += 16;
        // What is long so far is most often longer.
        while (end - p >= 64) {
            const __m128i first = _mm_or_si128(stops_at(p), stops_at(p + 16));
            const __m128i second = _mm_or_si128(stops_at(p + 32), stops_at(p + 48));
            if (_mm_movemask_epi8(_mm_or_si128(first, second)) != 0) break;
            p += 64;
        }
    }
#endif
    while (p != end && !ends_plain(*p))
        ++p;
    return p;
}

constexpr std::array<json_type, 256> make_types() {
    std::array<json_type, 256> types{};
    types.fill(json_type::none);
    types['n'] = json_type::null;
    types['t'] = types['f'] = json_type::boolean;
    types['"'] = json_type::string;
    types['['] = json_type::array;
    types['{'] = json_type::object;
    types['-'] = json_type::number;
    for (int c = '0'; c <= '9'; ++c)
        types[static_cast<std::size_t>(c)] = json_type::number;
    return types;
}

}  // namespace

constinit const std::array<json_type, 256> json_cursor::types_ = make_types();

json_cursor::json_cursor(std::string_view text, std::uint32_t depth_max) noexcept
    : begin_(text.data()),
      p_(text.data()),
      end_(text.data() + text.size()),
      depth_left_(std::min(depth_max, depth_of_the_stack)) {}

inline bool json_cursor::read_escape(json_string& out) noexcept {
    if (end_ - p_ < 2) return fail(json_fault::incomplete);
    if (p_[1] != 'u') {
        if (escape_letters[static_cast<unsigned char>(p_[1])] == 0) return fail(json_fault::escape);
        p_ += 2;
        out.escape_bytes += 2;
        ++out.decoded_bytes[0];
        return true;
    }
    if (end_ - p_ < 6) return fail(json_fault::incomplete);
    const int unit = hex_value(p_ + 2);
    if (unit < 0) return fail(json_fault::escape);
    p_ += 6;
    out.escape_bytes += 6;
    if (unit < 0xd800 || unit > 0xdfff) {
        const std::size_t more = (unit >= 0x80) + (unit >= 0x800);
        out.decoded_bytes[more] += static_cast<std::uint32_t>(more + 1);
        return true;
    }
    if (unit >= 0xdc00 || end_ - p_ < 6 || p_[0] != '\\' || p_[1] != 'u')
        return fail(json_fault::surrogate);
    const int low = hex_value(p_ + 2);
    if (low < 0xdc00 || low > 0xdfff) return fail(json_fault::surrogate);
    p_ += 6;
    out.escape_bytes += 6;
    out.decoded_bytes[3] += 4;
    return true;
}

bool json_cursor::read(json_string& out) noexcept {
    if (!take('"')) return fail_here();
    out.begin = offset();
    for (;;) {
        p_ = skip_plain(p_, end_);
        while (p_ != end_ && *p_ == '\\')
            if (!read_escape(out)) return false;
        if (p_ == end_) return fail(json_fault::incomplete);
        if (*p_ == '"') {
            out.end = offset();
            ++p_;
            return true;
        }
        if (static_cast<unsigned char>(*p_) < 0x20) return fail(json_fault::control);
    }
}

bool json_cursor::read(json_number& out) noexcept {
    out.begin = offset();
    out.negative = take('-');
    if (p_ == end_ || !is_digit(*p_)) return fail_here();
    const char* const first = p_;
    bool fits = true;
    if (*p_ == '0') {
        ++p_;
    } else {
        constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
        do {
            const auto digit = static_cast<std::uint64_t>(*p_ - '0');
            if (p_ - first >= 19)
                fits = fits && (out.magnitude < most / 10 ||
                                (out.magnitude == most / 10 && digit <= most % 10));
            out.magnitude = out.magnitude * 10 + digit;
            ++p_;
        } while (p_ != end_ && is_digit(*p_));
    }
    if (p_ != end_ && (*p_ == '.' || (*p_ | 0x20) == 'e'))
        return read_fraction(out, *first == '0' ? 0 : static_cast<std::uint32_t>(p_ - first));
    out.end = offset();
    out.integer = true;
    constexpr std::uint64_t least = std::uint64_t{1} << 63;
    if (!fits || (out.negative && out.magnitude > least)) return fail(json_fault::big_integer);
    return true;
}

bool json_cursor::read_fraction(json_number& out, std::uint32_t integer_digits) noexcept {
    if (take('.')) {
        if (p_ == end_ || !is_digit(*p_)) return fail_here();
        while (p_ != end_ && is_digit(*p_))
            ++p_;
    }
    constexpr std::int64_t far = 1'000'000'000;
    std::int64_t exponent = 0;
    if (p_ != end_ && (*p_ | 0x20) == 'e') {
        ++p_;
        const bool minus = take('-');
        if (!minus) take('+');
        if (p_ == end_ || !is_digit(*p_)) return fail_here();
        for (; p_ != end_ && is_digit(*p_); ++p_)
            exponent = std::min(far, exponent * 10 + (*p_ - '0'));
        if (minus) exponent = -exponent;
    }
    out.end = offset();
    // The value is below 10^(digits + exponent), and 10^308 is a double.
    if (integer_digits + exponent <= 308) return true;
    double value = 0;
    const auto parsed = std::from_chars(begin_ + out.begin, p_, value);
    return parsed.ec == std::errc{} ? true : fail(json_fault::big_double);
}

bool json_cursor::read_word(std::string_view word) noexcept {
    for (char c : word)
        if (!take(c)) return fail_here();
    return true;
}

bool json_cursor::read(bool& out) noexcept {
    out = p_ != end_ && *p_ == 't';
    return read_word(out ? "true" : "false");
}

bool json_cursor::skip() noexcept {
    switch (peek()) {
        case json_type::null:
            return read_word("null");
        case json_type::boolean: {
            bool value;
            return read(value);
        }
        case json_type::number: {
            json_number value;
            return read(value);
        }
        case json_type::string: {
            json_string value;
            return read(value);
        }
        case json_type::array:
            return elements([this]() noexcept { return skip(); });
        case json_type::object:
            return members([this](const json_string&) noexcept { return skip(); });
        case json_type::none:
            break;
    }
    return fail_here();
}

bool json_cursor::finish() noexcept {
    skip_space();
    return p_ == end_ ? true : fail(json_fault::trailing);
}

}  // namespace penstock::openai
