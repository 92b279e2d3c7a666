// Blocks and the tags that open them.
#include "worker/text/jinja/parser.hpp"

#include <algorithm>
#include <initializer_list>

namespace penstock::worker::jinja {
namespace {

using words = std::initializer_list<std::string_view>;

class statement_parser {
 public:
    explicit statement_parser(token_stream& in) : in_(in), expressions_(in) {}

    // Up to the first of these tags, whose name is then the token at hand; none: to the end.
    result<block> read_block(words ends);

 private:
    result<const statement*> read_tag();
    result<void> read_if(statement& into);
    result<void> read_for(statement& into);
    result<void> read_set(statement& into);
    result<void> read_macro(statement& into);
    result<void> read_call(statement& into);
    result<void> read_filter(statement& into);
    result<void> read_with(statement& into);
    result<void> read_generation(statement& into);
    result<void> read_loop_control(statement& into);
    result<void> read_signature(signature& into);
    result<void> read_body(block& into, std::string_view end);
    result<target> read_target(bool members, std::string_view end);
    result<target> read_one_target(bool members);

    statement& make(act what) {
        statement& made = in_.tree.statements.emplace_back();
        made.what = what;
        made.line = in_.now().line;
        return made;
    }

    token_stream& in_;
    expression_parser expressions_;
    std::size_t loops_ = 0;  // around this place, within one macro
};

struct tag_row {
    std::string_view name;
    act what;
    result<void> (statement_parser::*read)(statement& into);
};

result<block> statement_parser::read_block(words ends) {
    const token_stream::level level(in_);
    if (level.is_too_deep()) return in_.too_deep();
    block out;
    for (;;) {
        if (in_.sees(token_type::end)) {
            if (ends.size() == 0) return out;
            return fault_at(in_.now().line, "'" + std::string(*ends.begin()) + "' is missing");
        }
        if (in_.sees(token_type::data)) {
            statement& data = make(act::data);
            data.data = in_.take().text;
            out.push_back(&data);
        } else if (in_.sees(token_type::variable_begin)) {
            in_.take();
            statement& print = make(act::print);
            TRY(print.of, expressions_.read_tuple(true));
            if (!in_.sees(token_type::variable_end)) return in_.unexpected();
            in_.take();
            out.push_back(&print);
        } else {
            in_.take();
            const bool is_end = std::any_of(ends.begin(), ends.end(), [&](std::string_view end) {
                return in_.sees_word(end);
            });
            if (is_end) return out;
            TRY(const statement* tag, read_tag());
            out.push_back(tag);
        }
    }
}

result<void> statement_parser::read_body(block& into, std::string_view end) {
    CHECK(in_.expect_end_of_block());
    TRY(into, read_block({end}));
    in_.take();
    return in_.expect_end_of_block();
}

result<void> statement_parser::read_if(statement& into) {
    do {
        TRY(const expression* condition, expressions_.read_tuple(true));
        CHECK(in_.expect_end_of_block());
        TRY(block body, read_block({"endif", "elif", "else"}));
        into.branches.emplace_back(condition, std::move(body));
    } while (in_.skip_word("elif"));
    if (in_.skip_word("endif")) return in_.expect_end_of_block();
    in_.take();
    return read_body(into.otherwise, "endif");
}

result<void> statement_parser::read_for(statement& into) {
    TRY(target to, read_target(false, "in"));
    into.targets.push_back(std::move(to));
    CHECK(in_.expect_word("in"));
    TRY(into.of, expressions_.read_tuple(false));
    if (in_.skip_word("if")) {
        TRY(into.only, expressions_.read());
    }
    into.is_recursive = in_.skip_word("recursive");
    CHECK(in_.expect_end_of_block());
    ++loops_;
    TRY(into.body, read_block({"endfor", "else"}));
    --loops_;
    if (in_.skip_word("endfor")) return in_.expect_end_of_block();
    in_.take();
    return read_body(into.otherwise, "endfor");
}

result<target> statement_parser::read_one_target(bool members) {
    target out;
    out.line = in_.now().line;
    if (in_.skip_sign("(")) {
        const token_stream::level level(in_);
        if (level.is_too_deep()) return in_.too_deep();
        TRY(out, read_target(members, ")"));
        CHECK(in_.expect_sign(")"));
        return out;
    }
    constexpr std::string_view constants[] = {"true", "false", "none", "True", "False", "None"};
    if (std::find(std::begin(constants), std::end(constants), in_.now().text) !=
        std::end(constants))
        return fault_at(out.line, "cannot assign to '" + in_.now().text + "'");
    TRY(const std::string name, in_.expect_name());
    out.id = in_.tree.id_of(name);
    if (members && in_.skip_sign(".")) {
        TRY(out.member, in_.expect_name());
    }
    return out;
}

result<target> statement_parser::read_target(bool members, std::string_view end) {
    TRY(target first, read_one_target(members));
    if (!in_.sees_sign(",")) return first;
    target out;
    out.line = first.line;
    out.is_tuple = true;
    out.parts.push_back(std::move(first));
    while (in_.skip_sign(",")) {
        if (in_.sees_word(end) || in_.sees_sign(end) || in_.sees(token_type::block_end)) break;
        TRY(target more, read_one_target(members));
        out.parts.push_back(std::move(more));
    }
    return out;
}

result<void> statement_parser::read_set(statement& into) {
    TRY(target to, read_target(true, "="));
    into.targets.push_back(std::move(to));
    if (in_.skip_sign("=")) {
        TRY(into.of, expressions_.read_tuple(true));
        return in_.expect_end_of_block();
    }
    into.what = act::set_block;
    TRY(into.of, expressions_.read_filters());
    return read_body(into.body, "endset");
}

result<void> statement_parser::read_signature(signature& into) {
    CHECK(in_.expect_sign("("));
    while (!in_.sees_sign(")")) {
        if (!into.parameters.empty()) {
            CHECK(in_.expect_sign(","));
        }
        parameter& made = into.parameters.emplace_back();
        TRY(made.name, in_.expect_name());
        made.id = in_.tree.id_of(made.name);
        if (in_.skip_sign("=")) {
            TRY(made.fallback, expressions_.read());
        } else if (into.parameters.size() > 1 &&
                   into.parameters[into.parameters.size() - 2].fallback != nullptr) {
            return fault_at(in_.now().line, "a parameter without default follows one with");
        }
    }
    in_.take();
    return success();
}

result<void> statement_parser::read_macro(statement& into) {
    TRY(into.macro.name, in_.expect_name());
    into.macro.id = in_.tree.id_of(into.macro.name);
    in_.macros.push_back(&into.macro);
    CHECK(read_signature(into.macro));
    const std::size_t outer = std::exchange(loops_, 0);
    CHECK(read_body(into.body, "endmacro"));
    loops_ = outer;
    in_.macros.pop_back();
    return success();
}

result<void> statement_parser::read_call(statement& into) {
    into.macro.name = "caller";
    in_.macros.push_back(&into.macro);
    if (in_.sees_sign("(")) {
        CHECK(read_signature(into.macro));
    }
    in_.macros.pop_back();
    TRY(into.of, expressions_.read());
    if (into.of->what != op::call) return fault_at(into.line, "'call' needs a call");
    in_.macros.push_back(&into.macro);
    const std::size_t outer = std::exchange(loops_, 0);
    CHECK(read_body(into.body, "endcall"));
    loops_ = outer;
    in_.macros.pop_back();
    return success();
}

result<void> statement_parser::read_filter(statement& into) {
    TRY(into.of, expressions_.read_filter_names());
    return read_body(into.body, "endfilter");
}

result<void> statement_parser::read_with(statement& into) {
    while (!in_.sees(token_type::block_end)) {
        if (!into.targets.empty()) {
            CHECK(in_.expect_sign(","));
        }
        TRY(target to, read_target(false, "="));
        CHECK(in_.expect_sign("="));
        TRY(const expression* given, expressions_.read());
        into.targets.push_back(std::move(to));
        into.to.push_back(given);
    }
    return read_body(into.body, "endwith");
}

result<void> statement_parser::read_generation(statement& into) {
    return read_body(into.body, "endgeneration");
}

result<void> statement_parser::read_loop_control(statement& into) {
    if (loops_ == 0) return fault_at(into.line, "'break' and 'continue' need a loop");
    return in_.expect_end_of_block();
}

result<const statement*> statement_parser::read_tag() {
    static constexpr tag_row rows[] = {
        {"if", act::if_, &statement_parser::read_if},
        {"for", act::for_, &statement_parser::read_for},
        {"set", act::set, &statement_parser::read_set},
        {"macro", act::macro, &statement_parser::read_macro},
        {"call", act::call_block, &statement_parser::read_call},
        {"filter", act::filter_block, &statement_parser::read_filter},
        {"with", act::with, &statement_parser::read_with},
        {"generation", act::scope, &statement_parser::read_generation},
        {"break", act::break_, &statement_parser::read_loop_control},
        {"continue", act::continue_, &statement_parser::read_loop_control},
    };
    if (!in_.sees(token_type::name)) return in_.unexpected();
    const auto row = std::find_if(std::begin(rows), std::end(rows), [&](const tag_row& r) {
        return in_.sees_word(r.name);
    });
    if (row == std::end(rows))
        return fault_at(in_.now().line, "there is no tag '" + in_.now().text + "' here");
    statement& made = make(row->what);
    in_.take();
    CHECK((this->*row->read)(made));
    return &made;
}

}  // namespace

name_id syntax_tree::id_of(const std::string& name) {
    const auto [place, is_new] = ids.emplace(name, static_cast<name_id>(names.size()));
    if (is_new) names.push_back(name);
    return place->second;
}

error token_stream::unexpected() const {
    const token& at = now();
    switch (at.type) {
        case token_type::end:
            return fault_at(at.line, "unexpected end of the template");
        case token_type::variable_end:
        case token_type::block_end:
            return fault_at(at.line, "unexpected end of a tag");
        case token_type::string:
            return fault_at(at.line, "unexpected string");
        default:
            return fault_at(at.line, "unexpected '" + at.text + "'");
    }
}

result<void> token_stream::expect_sign(std::string_view text) {
    if (!skip_sign(text)) return unexpected();
    return success();
}

result<void> token_stream::expect_word(std::string_view text) {
    if (!skip_word(text)) return unexpected();
    return success();
}

result<std::string> token_stream::expect_name() {
    if (!sees(token_type::name)) return unexpected();
    return take().text;
}

result<void> token_stream::expect_end_of_block() {
    if (!sees(token_type::block_end)) return unexpected();
    take();
    return success();
}

result<std::unique_ptr<syntax_tree>> parse(std::string_view source, std::size_t depth) {
    TRY(std::vector<token> tokens, tokenize(source));
    auto tree = std::make_unique<syntax_tree>();
    for (const char* const name : {"loop", "caller", "varargs", "kwargs"})
        tree->id_of(name);
    token_stream in(std::move(tokens), depth, *tree);
    TRY(tree->body, statement_parser(in).read_block({}));
    return tree;
}

}  // namespace penstock::worker::jinja
