// Expressions.
#include "worker/text/jinja/access.hpp"
#include "worker/text/jinja/interpreter.hpp"
#include "worker/text/jinja/operators.hpp"
#include "worker/text/jinja/print.hpp"

#include <algorithm>

namespace penstock::worker::jinja {

result<value> interpreter::evaluate(const expression& e) {
    const frame here(*this);
    CHECK(check_depth());
    CHECK(space_.charge(1));
    line_ = e.line;
    switch (e.what) {
        case op::literal:
            return e.constant;
        case op::name:
            return name_of(e);
        case op::list:
        case op::tuple:
            return build_items(e);
        case op::dict:
            return build_dict(e);
        case op::attribute:
        case op::element:
        case op::slice:
            return access(e);
        case op::call:
            return call(e, value());
        case op::filter:
        case op::test:
            return apply(e);
        case op::negative: {
            TRY(const value v, evaluate(*e.operands[0]));
            return negated(v);
        }
        case op::positive: {
            TRY(const value v, evaluate(*e.operands[0]));
            if (!v.is_number()) return wrong_type("only a number has a sign", v);
            return v.is(kind::boolean) ? value(v.whole()) : v;
        }
        case op::not_: {
            TRY(const bool holds, is_true_of(*e.operands[0]));
            return value(!holds);
        }
        case op::and_:
        case op::or_:
        case op::conditional:
            return choose(e);
        case op::compare:
            return compare_all(e);
        case op::arithmetic:
            return compute(e);
        case op::concat:
            return concatenate(e);
    }
    return fault("an expression of no kind");
}

result<value> interpreter::evaluate_optional(const expression* e) {
    if (e == nullptr) return value();
    return evaluate(*e);
}

result<bool> interpreter::is_true_of(const expression& e) {
    TRY(const value v, evaluate(e));
    return is_true(v);
}

result<value> interpreter::name_of(const expression& e) const {
    for (const scope* at = scope_; at != nullptr; at = at->outer)
        for (const auto& [id, v] : at->variables)
            if (id == e.id) return v;
    if (globals_[e.id].is_given()) return globals_[e.id];
    return value::undefined(kind::absent, &tree_.names[e.id]);
}

result<value> interpreter::build_items(const expression& e) {
    std::vector<value> items;
    items.reserve(e.operands.size());
    for (const expression* operand : e.operands) {
        TRY(const value item, evaluate(*operand));
        items.push_back(item);
    }
    return space_.make_list(std::move(items), e.what == op::tuple ? kind::tuple : kind::list);
}

result<value> interpreter::build_dict(const expression& e) {
    dict made;
    for (std::size_t i = 0; i < e.operands.size(); i += 2) {
        TRY(const value key, evaluate(*e.operands[i]));
        if (key.is(kind::list) || key.is(kind::dict))
            return fault("unhashable type: '" + std::string(type_name(key.what())) + "'");
        TRY(const value member, evaluate(*e.operands[i + 1]));
        made.set(key, member);
    }
    return space_.make(std::move(made));
}

result<value> interpreter::access(const expression& e) {
    TRY(const value object, evaluate(*e.operands[0]));
    if (e.what == op::attribute) {
        line_ = e.line;
        return attribute_of(space_, object, e.name);
    }
    TRY(const value key, evaluate_optional(e.operands[1]));
    if (e.what == op::element) return element_of(space_, object, key);
    TRY(const value end, evaluate_optional(e.operands[2]));
    TRY(const value step, evaluate_optional(e.operands[3]));
    return slice_of(space_, object, key, end, step);
}

result<value> interpreter::choose(const expression& e) {
    if (e.what == op::conditional) {
        TRY(const bool holds, is_true_of(*e.operands[1]));
        if (holds) return evaluate(*e.operands[0]);
        if (e.operands[2] != nullptr) return evaluate(*e.operands[2]);
        return space_.undefined(
            "the inline if-expression on line " + std::to_string(e.line) +
            " evaluated to false and no else section was defined."
        );
    }
    value v;
    for (const expression* operand : e.operands) {
        TRY(v, evaluate(*operand));
        if (is_true(v) == (e.what == op::or_)) break;
    }
    return v;
}

result<value> interpreter::compare_all(const expression& e) {
    TRY(value left, evaluate(*e.operands[0]));
    for (std::size_t i = 0; i < e.signs.size(); ++i) {
        TRY(const value right, evaluate(*e.operands[i + 1]));
        TRY(const bool holds, compare(space_, e.signs[i], left, right));
        if (!holds) return value(false);
        left = right;
    }
    return value(true);
}

// Strings added one after another are joined once.
result<value> interpreter::compute(const expression& e) {
    TRY(value left, evaluate(*e.operands[0]));
    text joined;
    bool is_joining = false;
    for (std::size_t i = 0; i < e.signs.size(); ++i) {
        TRY(const value right, evaluate(*e.operands[i + 1]));
        if (e.signs[i] == sign::add && left.is_string() && right.is_string()) {
            if (!is_joining) joined = left.str();
            is_joining = true;
            CHECK(space_.charge_bytes(right.bytes().size()));
            CHECK(space_.check_size(joined.size() + right.bytes().size()));
            joined.append(right.str());
            continue;
        }
        if (is_joining) {
            TRY(left, space_.make(std::exchange(joined, {})));
            is_joining = false;
        }
        TRY(left, arithmetic(space_, e.signs[i], left, right));
    }
    if (is_joining) return space_.make(std::move(joined));
    return left;
}

result<value> interpreter::concatenate(const expression& e) {
    text out;
    for (const expression* operand : e.operands) {
        TRY(const value v, evaluate(*operand));
        CHECK(print(space_, v, out));
    }
    return space_.make(std::move(out));
}

result<arguments> interpreter::arguments_of(const expression& e) {
    arguments out;
    for (std::size_t i = 1; i < e.operands.size(); ++i) {
        TRY(const value v, evaluate(*e.operands[i]));
        out.positional.push_back(v);
    }
    for (const auto& [name, given] : e.named) {
        TRY(const value v, evaluate(*given));
        out.named.emplace_back(name, v);
    }
    return out;
}

result<value> interpreter::apply(const expression& e) {
    value self = block_;
    if (e.operands[0] != nullptr) {
        TRY(self, evaluate(*e.operands[0]));
    }
    TRY(arguments given, arguments_of(e));
    line_ = e.line;
    TRY(const value v, invoke(space_, *e.row, self, std::move(given)));
    return e.negated ? value(!is_true(v)) : v;
}

result<value> interpreter::call(const expression& e, const value& caller) {
    TRY(const value callee, evaluate(*e.operands[0]));
    TRY(arguments given, arguments_of(e));
    line_ = e.line;
    if (callee.is(kind::macro)) return call_macro(callee.as_macro(), std::move(given), caller);
    if (caller.is_given()) return fault("'call' needs a macro");
    switch (callee.what()) {
        case kind::bound:
            return invoke(space_, *callee.as_bound().row, callee.as_bound().self, std::move(given));
        case kind::builtin:
            return invoke(space_, callee.row(), value(), std::move(given));
        case kind::loop:
            return call_loop(callee.as_loop(), given);
        case kind::undefined:
            return undefined_fault(callee);
        default:
            return fault("'" + std::string(type_name(callee.what())) + "' object is not callable");
    }
}

result<void> interpreter::bind(const macro& m, arguments& given, scope& inner) {
    const signature& declared = *m.declared;
    const auto& parameters = declared.parameters;
    const auto says = [&](std::string what) {
        return fault("macro '" + declared.name + "' " + std::move(what));
    };
    dict kwargs;
    std::vector<value> bound(parameters.size());
    for (std::size_t i = 0; i < std::min(bound.size(), given.positional.size()); ++i)
        bound[i] = given.positional[i];
    for (const auto& [name, v] : given.named) {
        const auto at = std::find_if(parameters.begin(), parameters.end(), [&](const auto& p) {
            return p.name == name;
        });
        if (at != parameters.end()) {
            value& place = bound[static_cast<std::size_t>(at - parameters.begin())];
            if (place.is_given()) return says("got two values for '" + at->name + "'");
            place = v;
            continue;
        }
        if (!declared.uses_kwargs)
            return says("takes no keyword argument '" + std::string(name) + "'");
        TRY(const value key, space_.make(name));
        kwargs.set(key, v);
    }
    if (given.positional.size() > bound.size() && !declared.uses_varargs)
        return says("takes not more than " + std::to_string(bound.size()) + " argument(s)");
    for (std::size_t i = 0; i < bound.size(); ++i) {
        if (!bound[i].is_given() && parameters[i].fallback != nullptr) {
            TRY(bound[i], evaluate(*parameters[i].fallback));
        } else if (!bound[i].is_given()) {
            bound[i] = space_.undefined("parameter '" + parameters[i].name + "' was not provided");
        }
        inner.set(parameters[i].id, bound[i]);
    }
    if (declared.uses_varargs) {
        std::vector<value> rest;
        for (std::size_t i = bound.size(); i < given.positional.size(); ++i)
            rest.push_back(given.positional[i]);
        TRY(const value all, space_.make_list(std::move(rest), kind::tuple));
        inner.set(varargs_id, all);
    }
    if (declared.uses_kwargs) {
        TRY(const value all, space_.make(std::move(kwargs)));
        inner.set(kwargs_id, all);
    }
    return success();
}

result<value> interpreter::call_macro(const macro& m, arguments given, const value& caller) {
    const frame here(*this);
    ++nesting_;
    CHECK(check_depth());
    if (caller.is_given() && !m.declared->uses_caller)
        return fault("macro '" + m.declared->name + "' does not use its caller");
    text caught;
    text* const out = std::exchange(out_, &caught);
    scope& inner = open_scope(m.around);
    scope* const outer = std::exchange(scope_, &inner);
    CHECK(bind(m, given, inner));
    if (caller.is_given()) inner.set(caller_id, caller);
    const auto done = execute_inside(*m.body, inner);
    CHECK(done);
    scope_ = outer;
    out_ = out;
    --nesting_;
    return space_.make(std::move(caught));
}

result<value> interpreter::call_loop(loop_state& loop, const arguments& given) {
    if (!loop.body->is_recursive || loop.is_over)
        return fault("only a recursive loop that still runs can be called");
    if (given.positional.size() != 1 || !given.named.empty())
        return fault("loop() takes what to loop over");
    TRY(std::vector<value> items, iterate(space_, given[0]));
    text caught;
    text* const out = std::exchange(out_, &caught);
    const auto done = run_loop(*loop.body, std::move(items), loop.around, loop.depth + 1);
    CHECK(done);
    out_ = out;
    return space_.make(std::move(caught));
}

}  // namespace penstock::worker::jinja
