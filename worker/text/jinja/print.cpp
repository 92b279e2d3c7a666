// Python's str() and repr().
#include "worker/text/jinja/print.hpp"

#include "penstock/hex.hpp"
#include "worker/text/jinja/unicode.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace penstock::worker::jinja {
namespace {

void append_escaped(std::string& out, char32_t code) {
    const auto number = static_cast<std::uint32_t>(code);
    if (number < 0x100) {
        out += "\\x";
        append_hex(out, number, 2);
    } else if (number < 0x10000) {
        out += "\\u";
        append_hex(out, number, 4);
    } else {
        out += "\\U";
        append_hex(out, number, 8);
    }
}

result<void> print_items(workspace& space, const value& v, text& out) {
    const bool is_tuple = v.is(kind::tuple);
    out.append(is_tuple ? "(" : "[");
    bool first = true;
    for (const value& item : v.items()) {
        if (!first) out.append(", ");
        first = false;
        CHECK(print_repr(space, item, out));
    }
    if (is_tuple && v.items().size() == 1) out.append(",");
    out.append(is_tuple ? ")" : "]");
    return success();
}

result<void> print_dict(workspace& space, const dict& from, text& out) {
    out.append("{");
    bool first = true;
    for (const auto& [key, member] : from.entries) {
        if (!first) out.append(", ");
        first = false;
        CHECK(print_repr(space, key, out));
        out.append(": ");
        CHECK(print_repr(space, member, out));
    }
    out.append("}");
    return success();
}

result<void> print_name_space(workspace& space, const name_space& from, text& out) {
    // Only flat: a namespace may hold itself.
    out.append("<Namespace {");
    bool first = true;
    for (const auto& [name, member] : from.members) {
        if (extent_of(member).depth != 0 || member.is(kind::name_space))
            return fault("cannot print a namespace that holds more than plain values");
        if (!first) out.append(", ");
        first = false;
        out.append(repr_of(name));
        out.append(": ");
        CHECK(print_repr(space, member, out));
    }
    out.append("}>");
    return success();
}

}  // namespace

void append_integer(std::string& out, integer i) {
    __extension__ typedef unsigned __int128 natural;
    char digits[48];
    char* p = digits + sizeof digits;
    natural rest = i < 0 ? natural{0} - static_cast<natural>(i) : static_cast<natural>(i);
    do {
        *--p = static_cast<char>('0' + static_cast<int>(rest % 10));
        rest /= 10;
    } while (rest != 0);
    if (i < 0) *--p = '-';
    out.append(p, digits + sizeof digits);
}

void append_real(std::string& out, double d) {
    if (std::isnan(d)) {
        out += "nan";
        return;
    }
    if (std::signbit(d)) out += '-';
    if (std::isinf(d)) {
        out += "inf";
        return;
    }
    char buffer[64];
    const auto end =
        std::to_chars(buffer, buffer + sizeof buffer, std::fabs(d), std::chars_format::scientific)
            .ptr;
    const std::string_view all(buffer, static_cast<std::size_t>(end - buffer));
    const std::size_t e = all.find('e');
    int exponent = 0;
    const char* const from = buffer + e + (buffer[e + 1] == '+' ? 2 : 1);
    std::from_chars(from, end, exponent);
    std::string digits(1, all[0]);
    if (e > 2) digits += all.substr(2, e - 2);
    const int count = static_cast<int>(digits.size());
    if (exponent < -4 || exponent >= 16) {
        out += digits[0];
        if (count > 1) out.append(".").append(digits, 1);
        out += exponent < 0 ? "e-" : "e+";
        if (std::abs(exponent) < 10) out += '0';
        out += std::to_string(std::abs(exponent));
    } else if (exponent < 0) {
        out.append("0.").append(static_cast<unsigned>(-exponent - 1), '0').append(digits);
    } else if (count <= exponent + 1) {
        out.append(digits).append(static_cast<unsigned>(exponent + 1 - count), '0').append(".0");
    } else {
        const auto point = static_cast<unsigned>(exponent + 1);
        out.append(digits, 0, point).append(".").append(digits, point);
    }
}

std::string repr_of(std::string_view string) {
    const bool twice = string.find('\'') != string.npos && string.find('"') == string.npos;
    const char quote = twice ? '"' : '\'';
    std::string out(1, quote);
    for (std::size_t at = 0; at < string.size();) {
        const std::size_t begin = at;
        const char32_t code = next_code_point(string, at);
        if (code == '\n') {
            out += "\\n";
        } else if (code == '\r') {
            out += "\\r";
        } else if (code == '\t') {
            out += "\\t";
        } else if (code == '\\' || code == static_cast<unsigned char>(quote)) {
            out += '\\';
            out += static_cast<char>(code);
        } else if (!is_printable(code)) {
            append_escaped(out, code);
        } else {
            out += string.substr(begin, at - begin);
        }
    }
    out += quote;
    return out;
}

result<void> print_repr(workspace& space, const value& v, text& out) {
    CHECK(space.charge(1));
    CHECK(space.check_size(out.size()));
    std::string plain;
    switch (v.what()) {
        case kind::string: {
            CHECK(space.charge_bytes(v.bytes().size()));
            out.append_like(repr_of(v.bytes()), v.str().has_users());
            return success();
        }
        case kind::undefined:
            plain = "Undefined";
            break;
        case kind::none:
            plain = "None";
            break;
        case kind::boolean:
            plain = v.boolean() ? "True" : "False";
            break;
        case kind::integer:
            append_integer(plain, v.whole());
            break;
        case kind::real:
            append_real(plain, v.real());
            break;
        case kind::list:
        case kind::tuple:
            return print_items(space, v, out);
        case kind::range:
            plain = v.as_list()->prints_as;
            break;
        case kind::view: {
            out.append(v.as_list()->prints_as + "(");
            CHECK(print_items(space, v, out));
            plain = ")";
            break;
        }
        case kind::dict:
            return print_dict(space, v.as_dict(), out);
        case kind::name_space:
            return print_name_space(space, v.as_name_space(), out);
        default:
            return fault("cannot print a " + std::string(type_name(v.what())));
    }
    out.append(plain);
    return success();
}

result<void> print(workspace& space, const value& v, text& out) {
    if (v.is_undefined()) return success();
    if (!v.is_string()) return print_repr(space, v, out);
    CHECK(space.charge_bytes(v.bytes().size()));
    CHECK(space.check_size(out.size() + v.bytes().size()));
    out.append(v.str());
    return success();
}

result<value> to_string(workspace& space, const value& v) {
    if (v.is_string()) return v;
    text out;
    CHECK(print(space, v, out));
    return space.make(std::move(out));
}

}  // namespace penstock::worker::jinja
