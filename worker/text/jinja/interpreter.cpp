// Statements.
#include "worker/text/jinja/interpreter.hpp"

#include "worker/text/jinja/print.hpp"

#include <algorithm>

namespace penstock::worker::jinja {

void scope::set(name_id id, const value& to) {
    for (auto& [there, old] : variables)
        if (there == id) {
            old = to;
            return;
        }
    variables.emplace_back(id, to);
}

interpreter::interpreter(const syntax_tree& tree, workspace& space, std::vector<value> globals)
    : tree_(tree), space_(space), globals_(std::move(globals)) {}

result<void> interpreter::check_depth() const {
    // A level of the language takes a few of recursion; together they fit a thread's stack.
    if (depth_ > space_.most().depth * 8 || nesting_ > space_.most().depth)
        return fault("nests deeper than " + std::to_string(space_.most().depth) + " levels");
    return success();
}

scope& interpreter::open_scope(scope* outer) {
    if (free_scopes_.empty()) {
        scope& made = scopes_.emplace_back();
        made.outer = outer;
        return made;
    }
    scope& again = *free_scopes_.back();
    free_scopes_.pop_back();
    again.outer = outer;
    return again;
}

void interpreter::close_scope(scope& s) {
    if (s.is_captured) return;
    s.variables.clear();
    free_scopes_.push_back(&s);
}

result<void> interpreter::run(text& out) {
    out_ = &out;
    scope_ = &open_scope(nullptr);
    const auto done = execute(tree_.body);
    CHECK(done);
    return space_.check_size(out.size());
}

result<void> interpreter::write(std::string_view own) {
    CHECK(space_.charge_bytes(own.size()));
    CHECK(space_.check_size(out_->size() + own.size()));
    out_->append(own);
    return success();
}

result<void> interpreter::write(const value& v) {
    CHECK(print(space_, v, *out_));
    return space_.check_size(out_->size());
}

result<interpreter::flow> interpreter::execute(const block& all) {
    const frame here(*this);
    CHECK(check_depth());
    for (const statement* s : all) {
        CHECK(space_.charge(1));
        line_ = s->line;
        TRY(const flow then, execute(*s));
        if (then != flow::on) return then;
    }
    return flow::on;
}

result<interpreter::flow> interpreter::execute(const statement& s) {
    switch (s.what) {
        case act::if_:
            return execute_if(s);
        case act::for_:
            return execute_for(s);
        case act::set_block:
            return execute_set_block(s);
        case act::filter_block:
            return execute_filter_block(s);
        case act::with:
            return execute_with(s);
        case act::scope:
            return execute_inside(s.body, open_scope(scope_));
        case act::break_:
            return flow::break_;
        case act::continue_:
            return flow::continue_;
        default:
            break;
    }
    CHECK(execute_plain(s));
    return flow::on;
}

// Those behind which a template always goes on.
result<void> interpreter::execute_plain(const statement& s) {
    switch (s.what) {
        case act::data:
            return write(s.data);
        case act::set:
            return execute_set(s);
        case act::call_block:
            return execute_call_block(s);
        case act::macro:
            define_macro(s);
            return success();
        default:
            break;
    }
    TRY(const value v, evaluate(*s.of));
    return write(v);
}

result<interpreter::flow> interpreter::execute_inside(const block& body, scope& inner) {
    scope* const outer = std::exchange(scope_, &inner);
    auto then = execute(body);
    scope_ = outer;
    close_scope(inner);
    return then;
}

result<interpreter::flow> interpreter::execute_if(const statement& s) {
    for (const auto& [condition, body] : s.branches) {
        TRY(const bool holds, is_true_of(*condition));
        if (holds) return execute(body);
    }
    return execute(s.otherwise);
}

result<interpreter::flow> interpreter::execute_for(const statement& s) {
    TRY(const value over, evaluate(*s.of));
    TRY(std::vector<value> items, iterate(space_, over));
    return run_loop(s, std::move(items), scope_, 0);
}

// The items for which the loop's own `if` holds.
result<std::vector<value>> interpreter::pick(const statement& s, std::vector<value> items) {
    if (s.only == nullptr) return items;
    scope& inner = open_scope(scope_);
    scope* const outer = std::exchange(scope_, &inner);
    std::vector<value> kept;
    for (const value& item : items) {
        inner.variables.clear();
        CHECK(assign(s.targets[0], item));
        TRY(const bool holds, is_true_of(*s.only));
        if (holds) kept.push_back(item);
    }
    scope_ = outer;
    close_scope(inner);
    return kept;
}

result<interpreter::flow> interpreter::run_loop(
    const statement& s, std::vector<value> items, scope* around, std::size_t depth
) {
    const frame here(*this);
    ++nesting_;
    CHECK(check_depth());
    CHECK(space_.charge(8));
    scope* const outer = std::exchange(scope_, around);
    loop_state& loop = loops_.emplace_back();
    TRY(loop.items, pick(s, std::move(items)));
    loop.depth = depth;
    loop.body = &s;
    loop.around = around;
    flow then = flow::on;
    if (loop.items.empty()) {
        TRY(then, execute_inside(s.otherwise, open_scope(around)));
    }
    for (; loop.at < loop.items.size(); ++loop.at) {
        CHECK(space_.charge(1));
        scope& inner = open_scope(around);
        scope_ = &inner;
        inner.set(loop_id, value(&loop));
        CHECK(assign(s.targets[0], loop.items[loop.at]));
        TRY(const flow one, execute_inside(s.body, inner));
        if (one == flow::break_) break;
    }
    loop.is_over = true;
    loop.items = {};
    scope_ = outer;
    --nesting_;
    return then;
}

result<void> interpreter::assign(const target& to, const value& v) {
    if (to.is_tuple) {
        TRY(const std::vector<value> items, iterate(space_, v));
        if (items.size() != to.parts.size())
            return fault(
                (items.size() < to.parts.size() ? "not enough values to unpack (expected "
                                                : "too many values to unpack (expected ") +
                std::to_string(to.parts.size()) + ")"
            );
        for (std::size_t i = 0; i < items.size(); ++i) {
            CHECK(assign(to.parts[i], items[i]));
        }
        return success();
    }
    if (to.member.empty()) {
        scope_->set(to.id, v);
        return success();
    }
    expression name;
    name.id = to.id;
    TRY(const value owner, name_of(name));
    if (!owner.is(kind::name_space))
        return fault("cannot assign attribute on non-namespace object");
    auto& members = owner.as_name_space().members;
    CHECK(space_.charge(1 + members.size() / 8));
    for (auto& [there, old] : members)
        if (there == to.member) {
            old = v;
            return success();
        }
    members.emplace_back(to.member, v);
    return success();
}

result<void> interpreter::execute_set(const statement& s) {
    TRY(const value v, evaluate(*s.of));
    return assign(s.targets[0], v);
}

result<interpreter::flow> interpreter::execute_set_block(const statement& s) {
    text caught;
    text* const outer = std::exchange(out_, &caught);
    TRY(const flow then, execute_inside(s.body, open_scope(scope_)));
    out_ = outer;
    TRY(value v, space_.make(std::move(caught)));
    if (s.of != nullptr) {
        block_ = v;
        TRY(v, evaluate(*s.of));
    }
    CHECK(assign(s.targets[0], v));
    return then;
}

result<interpreter::flow> interpreter::execute_filter_block(const statement& s) {
    text caught;
    text* const outer = std::exchange(out_, &caught);
    TRY(const flow then, execute_inside(s.body, open_scope(scope_)));
    out_ = outer;
    TRY(block_, space_.make(std::move(caught)));
    TRY(const value v, evaluate(*s.of));
    CHECK(write(v));
    return then;
}

result<interpreter::flow> interpreter::execute_with(const statement& s) {
    scope& inner = open_scope(scope_);
    for (std::size_t i = 0; i < s.targets.size(); ++i) {
        TRY(const value v, evaluate(*s.to[i]));
        scope* const outer = std::exchange(scope_, &inner);
        CHECK(assign(s.targets[i], v));
        scope_ = outer;
    }
    return execute_inside(s.body, inner);
}

void interpreter::define_macro(const statement& s) {
    const macro& made = macros_.emplace_back(macro{&s.macro, &s.body, scope_});
    for (scope* at = scope_; at != nullptr && !at->is_captured; at = at->outer)
        at->is_captured = true;
    scope_->set(s.macro.id, value(&made));
}

result<void> interpreter::execute_call_block(const statement& s) {
    const macro& body = macros_.emplace_back(macro{&s.macro, &s.body, scope_});
    for (scope* at = scope_; at != nullptr && !at->is_captured; at = at->outer)
        at->is_captured = true;
    TRY(const value v, call(*s.of, value(&body)));
    return write(v);
}

}  // namespace penstock::worker::jinja
