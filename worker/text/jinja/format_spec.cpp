// Numbers in the forms of printf, which Python's agree with.
#include "worker/text/jinja/format_spec.hpp"

#include "worker/text/jinja/print.hpp"
#include "worker/text/jinja/unicode.hpp"

#include <cmath>
#include <cstdio>

namespace penstock::worker::jinja {
namespace {

std::string digits_of(integer i, unsigned base, bool upper) {
    __extension__ typedef unsigned __int128 natural;
    natural rest = i < 0 ? natural{0} - static_cast<natural>(i) : static_cast<natural>(i);
    std::string out;
    do {
        const char digit = "0123456789abcdef"[static_cast<unsigned>(rest % base)];
        out += upper && digit >= 'a' ? static_cast<char>(digit - 32) : digit;
        rest /= base;
    } while (rest != 0);
    return {out.rbegin(), out.rend()};
}

std::string real_digits(double d, const format_spec& spec, char type) {
    const char form[] = {'%', '.', '*', type, '\0'};
    const char form_alternate[] = {'%', '#', '.', '*', type, '\0'};
    const int precision = spec.precision < 0 ? 6 : spec.precision;
    std::string out(700, '\0');
    const int length = std::snprintf(
        out.data(), out.size(), spec.alternate ? form_alternate : form, precision, std::fabs(d)
    );
    out.resize(static_cast<std::size_t>(length));
    return out;
}

void add_commas(std::string& digits) {
    const std::size_t whole = std::min(digits.find_first_not_of("0123456789"), digits.size());
    for (std::size_t at = whole; at > 3; at -= 3)
        digits.insert(at - 3, ",");
}

}  // namespace

result<std::string> format_number(const value& v, const format_spec& spec, std::size_t& sign_end) {
    const char type = spec.type;
    const bool is_real = v.is(kind::real);
    const bool negative = is_real ? std::signbit(v.real()) : v.whole() < 0;
    std::string out;
    if (negative)
        out = "-";
    else if (spec.sign == '+' || spec.sign == ' ')
        out = std::string(1, spec.sign);
    std::string digits;
    if (std::string_view("fegFEG").find(type) != std::string_view::npos && type != 0) {
        digits = real_digits(v.real(), spec, type);
    } else if (type == '%') {
        digits = real_digits(v.real() * 100, spec, 'f') + "%";
    } else if (is_real && type == 0 && spec.precision < 0) {
        append_real(digits, std::fabs(v.real()));
    } else if (is_real) {
        return fault("this format of a float is not supported");
    } else {
        const bool is_hex = type == 'x' || type == 'X';
        const unsigned base = is_hex ? 16 : type == 'o' ? 8 : type == 'b' ? 2 : 10;
        digits = digits_of(v.whole(), base, type == 'X');
        if (spec.precision > 0 && digits.size() < static_cast<std::size_t>(spec.precision))
            digits.insert(0, static_cast<std::size_t>(spec.precision) - digits.size(), '0');
        if (spec.alternate && base != 10) out.append("0").append(1, type);
    }
    sign_end = out.size();
    if (spec.commas) add_commas(digits);
    return out + digits;
}

result<void> pad_into(
    workspace& space,
    const text& body,
    std::size_t sign_end,
    const format_spec& spec,
    char otherwise,
    text& out
) {
    const std::size_t size = count_code_points(body.bytes);
    const std::size_t missing = spec.width > size ? spec.width - size : 0;
    const char align = spec.align != 0 ? spec.align : otherwise;
    CHECK(space.charge_bytes(body.size() + missing));
    CHECK(space.check_size(out.size() + body.size() + missing * spec.fill.size()));
    const auto fill = [&](std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            out.append(spec.fill);
    };
    const std::size_t left = align == '<' ? 0 : align == '^' ? missing / 2 : missing;
    if (align == '=') out.append(body, 0, sign_end);
    fill(left);
    out.append(body, align == '=' ? sign_end : 0, body.size());
    fill(missing - left);
    return success();
}

}  // namespace penstock::worker::jinja
