// Reads escapes as Python's "unicode-escape" does: an unknown one stays as it is written.
#include "worker/text/jinja/string_literal.hpp"

#include "worker/text/jinja/unicode.hpp"

#include <algorithm>

namespace penstock::worker::jinja {
namespace {

int digit_of(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    const char small = static_cast<char>(c | 0x20);
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : 99;
}

// Digits of a base from `at`, at most so many; how many there were.
std::size_t read_digits(
    std::string_view body, std::size_t at, std::size_t most, int base, char32_t& code
) {
    std::size_t count = 0;
    code = 0;
    for (; count < most && at + count < body.size(); ++count) {
        const int digit = digit_of(body[at + count]);
        if (digit >= base) break;
        code = code * static_cast<char32_t>(base) + static_cast<char32_t>(digit);
    }
    return count;
}

// The escape whose letter is at `at`; what it is long, or 0 when it is not valid.
std::size_t read_escape(std::string_view body, std::size_t at, std::string& out) {
    constexpr std::string_view letters = "\\'\"abfnrtv\n", meant = "\\'\"\a\b\f\n\r\t\v";
    const char c = body[at];
    if (const std::size_t known = letters.find(c); known != letters.npos) {
        if (known < meant.size()) out += meant[known];
        return 1;
    }
    char32_t code = 0;
    if (c >= '0' && c <= '7') {
        const std::size_t length = read_digits(body, at, 3, 8, code);
        append_code_point(out, code);
        return length;
    }
    const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits != 0) {
        if (read_digits(body, at + 1, digits, 16, code) != digits) return 0;
        if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return 0;
        append_code_point(out, code);
        return digits + 1;
    }
    if (c == 'N') return 0;
    out += '\\';
    out += c;
    return 1;
}

}  // namespace

bool unescape(std::string_view body, std::string& out) {
    for (std::size_t at = 0; at < body.size();) {
        const std::size_t backslash = std::min(body.find('\\', at), body.size());
        out += body.substr(at, backslash - at);
        if (backslash == body.size()) break;
        if (backslash + 1 == body.size()) return false;
        const std::size_t length = read_escape(body, backslash + 1, out);
        if (length == 0) return false;
        at = backslash + 1 + length;
    }
    return true;
}

}  // namespace penstock::worker::jinja
