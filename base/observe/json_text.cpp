// JSON strings and times.
#include "json_text.hpp"

#include "penstock/hex.hpp"

#include <array>
#include <chrono>
#include <cstring>

namespace penstock::observe {
namespace {

constexpr auto is_plain = [] {
    std::array<bool, 256> plain{};
    for (int c = 0x20; c < 0x80; ++c)
        plain[std::size_t(c)] = c != '"' && c != '\\';
    return plain;
}();

// Bytes of the well-formed UTF-8 sequence at the front (RFC 3629, table of §4); zero: there is
// none.
std::size_t utf8_size(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
    };
    const auto in = [&](std::size_t i, unsigned low, unsigned high) {
        return byte(i) >= low && byte(i) <= high;
    };
    const unsigned lead = byte(0);
    if (lead >= 0xc2 && lead <= 0xdf) return in(1, 0x80, 0xbf) ? 2 : 0;
    if (lead >= 0xe0 && lead <= 0xef) {
        const unsigned low = lead == 0xe0 ? 0xa0 : 0x80, high = lead == 0xed ? 0x9f : 0xbf;
        return in(1, low, high) && in(2, 0x80, 0xbf) ? 3 : 0;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        const unsigned low = lead == 0xf0 ? 0x90 : 0x80, high = lead == 0xf4 ? 0x8f : 0xbf;
        return in(1, low, high) && in(2, 0x80, 0xbf) && in(3, 0x80, 0xbf) ? 4 : 0;
    }
    return 0;
}

// Whether eight bytes stand for themselves; may say no though they do.
bool are_plain(const char* text) noexcept {
    constexpr std::uint64_t ones = 0x0101'0101'0101'0101, high = ones * 0x80;
    std::uint64_t x = 0;
    std::memcpy(&x, text, sizeof x);
    const std::uint64_t quote = (x ^ (ones * '"')) - ones, escape = (x ^ (ones * '\\')) - ones;
    return (((x - ones * ' ') | quote | escape | x) & high) == 0;
}

char* put(char* at, std::string_view text) noexcept {
    std::memcpy(at, text.data(), text.size());
    return at + text.size();
}

char* put_escaped(char* at, unsigned char c) noexcept {
    if (c == '\n') return put(at, "\\n");
    if (c == '\t') return put(at, "\\t");
    if (c == '\r') return put(at, "\\r");
    if (c >= 0x80) return put(at, "\\ufffd");
    if (c < 0x20) {
        at = put(at, "\\u");
        return put_hex(at, c, 4);
    }
    *at++ = '\\';
    *at++ = static_cast<char>(c);
    return at;
}

void put_digits(char* at, unsigned value, int width) noexcept {
    for (int i = width; i-- > 0; value /= 10)
        at[i] = static_cast<char>('0' + value % 10);
}

}  // namespace

char* put_json_string(char* at, std::string_view text) noexcept {
    *at++ = '"';
    while (!text.empty()) {
        std::size_t size = 0;
        while (text.size() - size >= 8 && are_plain(text.data() + size))
            size += 8;
        while (size < text.size() && is_plain[static_cast<unsigned char>(text[size])])
            ++size;
        if (size == 0) size = utf8_size(text);
        if (size == 0) {
            at = put_escaped(at, static_cast<unsigned char>(text.front()));
            size = 1;
        } else {
            at = put(at, text.substr(0, size));
        }
        text.remove_prefix(size);
    }
    *at++ = '"';
    return at;
}

void append_json_string(std::string& out, std::string_view text) {
    const std::size_t before = out.size();
    out.resize(before + json_string_size_max(text));
    const char* end = put_json_string(out.data() + before, text);
    out.resize(static_cast<std::size_t>(end - out.data()));
}

char* put_json_time(char* at, std::int64_t unix_ms) noexcept {
    using namespace std::chrono;
    const sys_time<milliseconds> when{milliseconds(unix_ms)};
    const auto day = floor<days>(when);
    const year_month_day date(day);
    const auto of_day = static_cast<unsigned>((when - day).count());
    char text[] = "\"0000-00-00T00:00:00.000Z\"";
    put_digits(text + 1, static_cast<unsigned>(static_cast<int>(date.year())), 4);
    put_digits(text + 6, static_cast<unsigned>(date.month()), 2);
    put_digits(text + 9, static_cast<unsigned>(date.day()), 2);
    put_digits(text + 12, of_day / 3'600'000, 2);
    put_digits(text + 15, of_day / 60'000 % 60, 2);
    put_digits(text + 18, of_day / 1000 % 60, 2);
    put_digits(text + 21, of_day % 1000, 3);
    return put(at, {text, sizeof text - 1});
}

}  // namespace penstock::observe
