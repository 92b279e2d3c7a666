// Python's spelling of numbers: white space around, a sign, `_` between digits, a base's prefix.
#include "worker/text/jinja/numbers.hpp"

#include "worker/text/jinja/unicode.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>

namespace penstock::worker::jinja {
namespace {

constexpr int no_digit = 99;

int digit_of(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    const char small = static_cast<char>(c | 0x20);
    return small >= 'a' && small <= 'z' ? small - 'a' + 10 : no_digit;
}

int base_of_prefix(std::string_view text) noexcept {
    if (text.size() < 2 || text[0] != '0') return 0;
    const char letter = static_cast<char>(text[1] | 0x20);
    return letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
}

std::string_view without_space(std::string_view text) {
    const stretch kept = stripped(text, {}, true, true);
    return text.substr(kept.begin, kept.end - kept.begin);
}

bool take_sign(std::string_view& text) noexcept {
    const bool negative = !text.empty() && text[0] == '-';
    if (negative || (!text.empty() && text[0] == '+')) text.remove_prefix(1);
    return negative;
}

}  // namespace

std::optional<integer> read_integer(std::string_view text, int base) {
    text = without_space(text);
    const bool negative = take_sign(text);
    const int prefixed = base_of_prefix(text);
    if (prefixed != 0 && (base == 0 || base == prefixed)) {
        base = prefixed;
        text.remove_prefix(2);
        if (!text.empty() && text[0] == '_') text.remove_prefix(1);
    } else if (base == 0) {
        base = 10;
        if (text.size() > 1 && text[0] == '0' && text.find_first_not_of("0_") != text.npos)
            return {};
    }
    if (text.empty() || text.back() == '_' || text[0] == '_') return {};
    integer out = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '_' && text[i - 1] != '_') continue;
        const int digit = digit_of(text[i]);
        if (digit >= base || __builtin_mul_overflow(out, base, &out) ||
            __builtin_add_overflow(out, digit, &out))
            return {};
    }
    return negative ? -out : out;
}

std::optional<double> read_real(std::string_view text) {
    text = without_space(text);
    const bool negative = take_sign(text);
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto is_digit = [&](std::size_t at) {
            return at < text.size() && digit_of(text[at]) < 10;
        };
        if (text[i] != '_')
            plain += text[i];
        else if (i == 0 || !is_digit(i - 1) || !is_digit(i + 1))
            return {};
    }
    if (plain.empty() || plain[0] == '-' || plain[0] == '+' || plain.find('(') != plain.npos)
        return {};
    double out = 0;
    const auto read = std::from_chars(plain.data(), plain.data() + plain.size(), out);
    if (read.ptr != plain.data() + plain.size()) return {};
    if (read.ec == std::errc::result_out_of_range) {
        // Too small or too large: the exponent's sign tells.
        const std::size_t e = plain.find_first_of("eE");
        const bool small = e != plain.npos ? plain[e + 1] == '-' : plain[0] == '0';
        out = small ? 0.0 : std::numeric_limits<double>::infinity();
    } else if (read.ec != std::errc()) {
        return {};
    }
    return negative ? -out : out;
}

}  // namespace penstock::worker::jinja
