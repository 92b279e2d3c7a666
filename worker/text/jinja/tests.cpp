// What may stand behind `is`.
#include "worker/text/jinja/filters.hpp"
#include "worker/text/jinja/operators.hpp"
#include "worker/text/jinja/print.hpp"
#include "worker/text/jinja/unicode.hpp"

namespace penstock::worker::jinja {
namespace {

using answer = result<value>;

answer is_defined(workspace&, const value& self, const arguments&) {
    return value(!self.is_undefined());
}

answer is_undefined(workspace&, const value& self, const arguments&) {
    return value(self.is_undefined());
}

template <kind What>
answer is_of(workspace&, const value& self, const arguments&) {
    return value(self.is(What));
}

answer is_number(workspace&, const value& self, const arguments&) {
    return value(self.is_number());
}

template <bool Wanted>
answer is_constant(workspace&, const value& self, const arguments&) {
    return value(self.is(kind::boolean) && self.boolean() == Wanted);
}

answer is_iterable(workspace&, const value& self, const arguments&) {
    switch (self.what()) {
        case kind::undefined:
        case kind::string:
        case kind::dict:
        case kind::generator:
        case kind::loop:
            return value(true);
        default:
            return value(self.has_items());
    }
}

answer is_sequence(workspace&, const value& self, const arguments&) {
    switch (self.what()) {
        case kind::undefined:
        case kind::string:
        case kind::dict:
            return value(true);
        default:
            return value(self.has_items() && !self.is(kind::view));
    }
}

answer is_callable(workspace&, const value& self, const arguments&) {
    switch (self.what()) {
        case kind::undefined:
        case kind::macro:
        case kind::bound:
        case kind::builtin:
        case kind::loop:
            return value(true);
        default:
            return value(false);
    }
}

answer is_same(workspace&, const value& self, const arguments& given) {
    const value& other = given[0];
    if (self.what() != other.what()) return value(false);
    const bool by_value = self.is_number() || self.is_none() || self.is_string();
    return value(by_value ? equal(self, other) : self.identity() == other.identity());
}

answer is_in(workspace& space, const value& self, const arguments& given) {
    TRY(const bool found, contains(space, given[0], self));
    return value(found);
}

template <sign What>
answer compares(workspace& space, const value& self, const arguments& given) {
    TRY(const bool holds, compare(space, What, self, given[0]));
    return value(holds);
}

answer divides(workspace& space, const value& self, const value& by) {
    TRY(const value rest, arithmetic(space, sign::modulo, self, by));
    return value(equal(rest, value(integer{0})));
}

answer is_divisible(workspace& space, const value& self, const arguments& given) {
    return divides(space, self, given[0]);
}

answer is_even(workspace& space, const value& self, const arguments&) {
    return divides(space, self, value(integer{2}));
}

answer is_odd(workspace& space, const value& self, const arguments&) {
    TRY(const value rest, arithmetic(space, sign::modulo, self, value(integer{2})));
    return value(equal(rest, value(integer{1})));
}

answer is_in_lower(workspace& space, const value& self, const arguments&) {
    TRY(const value v, to_string(space, self));
    return value(is_lower(v.bytes()));
}

answer is_in_upper(workspace& space, const value& self, const arguments&) {
    TRY(const value v, to_string(space, self));
    return value(is_upper(v.bytes()));
}

constexpr callable_row rows[] = {
    {"defined", is_defined, ""},
    {"undefined", is_undefined, ""},
    {"none", is_of<kind::none>, ""},
    {"boolean", is_of<kind::boolean>, ""},
    {"integer", is_of<kind::integer>, ""},
    {"float", is_of<kind::real>, ""},
    {"number", is_number, ""},
    {"string", is_of<kind::string>, ""},
    {"mapping", is_of<kind::dict>, ""},
    {"iterable", is_iterable, ""},
    {"sequence", is_sequence, ""},
    {"callable", is_callable, ""},
    {"true", is_constant<true>, ""},
    {"false", is_constant<false>, ""},
    {"sameas", is_same, "other", 1},
    {"in", is_in, "seq", 1},
    {"eq", compares<sign::equal>, "b", 1},
    {"equalto", compares<sign::equal>, "b", 1},
    {"==", compares<sign::equal>, "b", 1},
    {"ne", compares<sign::not_equal>, "b", 1},
    {"!=", compares<sign::not_equal>, "b", 1},
    {"lt", compares<sign::less>, "b", 1},
    {"lessthan", compares<sign::less>, "b", 1},
    {"<", compares<sign::less>, "b", 1},
    {"le", compares<sign::less_equal>, "b", 1},
    {"<=", compares<sign::less_equal>, "b", 1},
    {"gt", compares<sign::greater>, "b", 1},
    {"greaterthan", compares<sign::greater>, "b", 1},
    {">", compares<sign::greater>, "b", 1},
    {"ge", compares<sign::greater_equal>, "b", 1},
    {">=", compares<sign::greater_equal>, "b", 1},
    {"divisibleby", is_divisible, "num", 1},
    {"even", is_even, ""},
    {"odd", is_odd, ""},
    {"lower", is_in_lower, ""},
    {"upper", is_in_upper, ""},
};

}  // namespace

const callable_row* find_test(std::string_view name) noexcept {
    return find_row(rows, name);
}

}  // namespace penstock::worker::jinja
