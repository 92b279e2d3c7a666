// Arithmetic: whole numbers stay whole and exact, division rounds down, as in Python.
#include "worker/text/jinja/operators.hpp"

#include <cmath>

namespace penstock::worker::jinja {
namespace {

error unsupported(std::string_view spelled, const value& a, const value& b) {
    if (a.is_undefined()) return undefined_fault(a);
    if (b.is_undefined()) return undefined_fault(b);
    return fault(
        "unsupported operand types for " + std::string(spelled) + ": '" +
        std::string(type_name(a.what())) + "' and '" + std::string(type_name(b.what())) + "'"
    );
}

std::string_view spelling_of(sign what) noexcept {
    constexpr std::string_view all[] = {"+", "-", "*", "/", "//", "%", "**"};
    return all[static_cast<std::size_t>(what)];
}

error too_large() {
    return fault("an integer grows beyond 127 bits");
}

error by_zero() {
    return fault("division by zero");
}

integer floor_of_quotient(integer a, integer b) noexcept {
    const integer quotient = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

double floor_modulo(double a, double b) noexcept {
    double rest = std::fmod(a, b);
    if (rest == 0) return std::copysign(0.0, b);
    if ((rest < 0) != (b < 0)) rest += b;
    return rest;
}

double floor_of_quotient(double a, double b) noexcept {
    // CPython's float_floor_div: from the exact remainder, so that rounding cannot skip a whole.
    double rest = std::fmod(a, b);
    double quotient = (a - rest) / b;
    if (rest != 0 && (rest < 0) != (b < 0)) quotient -= 1;
    if (quotient == 0) return std::copysign(0.0, a / b);
    double whole = std::floor(quotient);
    if (quotient - whole > 0.5) whole += 1;
    return whole;
}

result<value> power_of_wholes(integer base, integer exponent) {
    if (exponent < 0) {
        if (base == 0) return by_zero();
        return value(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
    }
    integer out = 1;
    while (exponent != 0) {
        if ((exponent & 1) != 0 && __builtin_mul_overflow(out, base, &out)) return too_large();
        exponent >>= 1;
        if (exponent != 0 && __builtin_mul_overflow(base, base, &base)) return too_large();
    }
    return value(out);
}

result<value> of_wholes(sign what, integer a, integer b) {
    integer out = 0;
    switch (what) {
        case sign::add:
            if (__builtin_add_overflow(a, b, &out)) return too_large();
            return value(out);
        case sign::subtract:
            if (__builtin_sub_overflow(a, b, &out)) return too_large();
            return value(out);
        case sign::multiply:
            if (__builtin_mul_overflow(a, b, &out)) return too_large();
            return value(out);
        case sign::power:
            return power_of_wholes(a, b);
        default:
            break;
    }
    if (b == 0) return by_zero();
    if (what == sign::divide) return value(static_cast<double>(a) / static_cast<double>(b));
    if (b == -1) {  // the one quotient that can overflow
        if (what == sign::modulo) return value(integer{0});
        return of_wholes(sign::subtract, 0, a);
    }
    const integer quotient = floor_of_quotient(a, b);
    return value(what == sign::floor_divide ? quotient : a - quotient * b);
}

result<value> of_reals(sign what, double a, double b) {
    switch (what) {
        case sign::add:
            return value(a + b);
        case sign::subtract:
            return value(a - b);
        case sign::multiply:
            return value(a * b);
        case sign::power: {
            if (a == 0 && b < 0) return by_zero();
            const double out = std::pow(a, b);
            if (std::isnan(out) && !std::isnan(a) && !std::isnan(b))
                return fault("a complex number has no place in a template");
            if (std::isinf(out) && !std::isinf(a) && !std::isinf(b))
                return fault("numerical result out of range");
            return value(out);
        }
        default:
            break;
    }
    if (b == 0) return by_zero();
    if (what == sign::divide) return value(a / b);
    return value(what == sign::modulo ? floor_modulo(a, b) : floor_of_quotient(a, b));
}

result<value> joined(workspace& space, const value& a, const value& b) {
    if (a.is_string()) {
        CHECK(space.check_size(a.bytes().size() + b.bytes().size()));
        text out;
        out.bytes.reserve(a.bytes().size() + b.bytes().size());
        out.append(a.str());
        out.append(b.str());
        return space.make(std::move(out));
    }
    CHECK(space.charge(a.items().size() + b.items().size()));
    std::vector<value> items = a.items();
    items.insert(items.end(), b.items().begin(), b.items().end());
    return space.make_list(std::move(items), a.what());
}

result<value> repeated(workspace& space, const value& v, integer times) {
    const std::size_t size = v.is_string() ? v.bytes().size() : v.items().size();
    const auto most = static_cast<integer>(space.most().output_bytes);
    if (times < 0 || size == 0) times = 0;
    if (times > most || times * static_cast<integer>(size) > most)
        return space.check_size(space.most().output_bytes + 1).error();
    const auto count = static_cast<std::size_t>(times);
    CHECK(space.charge_bytes(size * count));
    if (v.is_string()) {
        text out;
        for (std::size_t i = 0; i < count; ++i)
            out.append(v.str());
        return space.make(std::move(out));
    }
    CHECK(space.charge(size * count));
    std::vector<value> items;
    for (std::size_t i = 0; i < count; ++i)
        items.insert(items.end(), v.items().begin(), v.items().end());
    return space.make_list(std::move(items), v.what());
}

bool is_sequence(const value& v) noexcept {
    return v.is_string() || v.is(kind::list) || v.is(kind::tuple);
}

}  // namespace

result<value> arithmetic(workspace& space, sign what, const value& a, const value& b) {
    CHECK(space.charge(1));
    if (a.is_whole() && b.is_whole()) return of_wholes(what, a.whole(), b.whole());
    if (a.is_number() && b.is_number()) return of_reals(what, a.real(), b.real());
    if (what == sign::add && is_sequence(a) && a.what() == b.what()) return joined(space, a, b);
    if (what == sign::multiply && is_sequence(a) && b.is_whole())
        return repeated(space, a, b.whole());
    if (what == sign::multiply && a.is_whole() && is_sequence(b))
        return repeated(space, b, a.whole());
    if (what == sign::modulo && a.is_string()) return format_percent(space, a, b);
    return unsupported(spelling_of(what), a, b);
}

result<value> negated(const value& v) {
    if (v.is(kind::real)) return value(-v.real());
    if (!v.is_whole()) return wrong_type("only a number can be negated", v);
    return of_wholes(sign::subtract, 0, v.whole());
}

}  // namespace penstock::worker::jinja
