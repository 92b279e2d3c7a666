// Filters over numbers, and to them.
#include "worker/text/jinja/filters.hpp"
#include "worker/text/jinja/numbers.hpp"
#include "worker/text/jinja/operators.hpp"

#include <charconv>
#include <cmath>
#include <cstdlib>

namespace penstock::worker::jinja {
namespace {

constexpr double whole_max = 0x1p126;

result<value> whole_of(double d) {
    if (std::isinf(d) || std::fabs(d) > whole_max)
        return fault("cannot convert a float beyond 126 bits to an integer");
    return value(static_cast<integer>(d));
}

result<value> filter_int(workspace& space, const value& self, const arguments& given) {
    const value otherwise = given[0].is_given() ? given[0] : value(integer{0});
    if (self.is_undefined()) return undefined_fault(self);
    if (self.is_whole()) return value(self.whole());
    if (self.is(kind::real)) {
        if (std::isnan(self.real())) return otherwise;
        return whole_of(self.real());
    }
    if (!self.is_string()) return otherwise;
    CHECK(space.charge_bytes(self.bytes().size()));
    if (given[1].is_given() && !given[1].is_whole())
        return wrong_type("int() takes a base", given[1]);
    const integer base = given[1].is_given() ? given[1].whole() : 10;
    if (base == 0 || (base >= 2 && base <= 36))
        if (const auto read = read_integer(self.bytes(), static_cast<int>(base)))
            return value(*read);
    const auto real = read_real(self.bytes());
    if (!real || !(std::fabs(*real) <= whole_max)) return otherwise;
    return value(static_cast<integer>(*real));
}

result<value> filter_float(workspace& space, const value& self, const arguments& given) {
    if (self.is_undefined()) return undefined_fault(self);
    if (self.is_number()) return value(self.real());
    if (self.is_string()) {
        CHECK(space.charge_bytes(self.bytes().size()));
        if (const auto read = read_real(self.bytes())) return value(*read);
    }
    return given[0].is_given() ? given[0] : value(0.0);
}

result<value> filter_abs(workspace&, const value& self, const arguments&) {
    if (self.is(kind::real)) return value(std::fabs(self.real()));
    if (!self.is_whole()) return wrong_type("abs() takes a number", self);
    return self.whole() < 0 ? negated(self) : value(self.whole());
}

// Half to even of the exact decimal value, as Python's round() and printf both do.
double rounded(double d, int precision) {
    if (!std::isfinite(d) || precision > 308) return d;
    if (precision < 0) {
        const double scale = std::pow(10.0, -precision);
        return std::isinf(scale) ? 0.0 * d : std::nearbyint(d / scale) * scale;
    }
    char digits[700];
    const auto end =
        std::to_chars(digits, digits + sizeof digits, d, std::chars_format::fixed, precision).ptr;
    double out = d;
    std::from_chars(digits, end, out);
    return out;
}

result<value> filter_round(workspace&, const value& self, const arguments& given) {
    if (!self.is_number()) return wrong_type("round() takes a number", self);
    if (given[0].is_given() && !given[0].is_whole())
        return wrong_type("round() takes a precision", given[0]);
    const integer digits = given[0].is_given() ? given[0].whole() : 0;
    if (digits < -300 || digits > 300) return fault("round() takes a precision within 300");
    const int precision = static_cast<int>(digits);
    const std::string_view method = given[1].is_string() ? given[1].bytes() : "common";
    if (method == "common") {
        if (self.is(kind::real)) return value(rounded(self.real(), precision));
        if (precision >= 0) return value(self.whole());
        return whole_of(rounded(self.real(), precision));
    }
    if (method != "ceil" && method != "floor") return fault("method must be common, ceil or floor");
    const double scale = std::pow(10.0, precision), scaled = self.real() * scale;
    return value((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale);
}

constexpr callable_row rows[] = {
    {"int", filter_int, "default,base"},
    {"float", filter_float, "default"},
    {"abs", filter_abs, ""},
    {"round", filter_round, "precision,method"},
};

}  // namespace

std::span<const callable_row> number_filters() noexcept {
    return rows;
}

}  // namespace penstock::worker::jinja
