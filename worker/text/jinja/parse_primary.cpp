// What expressions are made of: brackets, attributes, calls, filters and tests.
#include "worker/text/jinja/filters.hpp"
#include "worker/text/jinja/parser.hpp"

namespace penstock::worker::jinja {

result<const expression*> expression_parser::read_parenthesized() {
    const std::uint32_t line = in_.take().line;
    if (in_.skip_sign(")")) return &make(op::tuple, line);
    TRY(const expression* inner, read_tuple(true));
    CHECK(in_.expect_sign(")"));
    return inner;
}

result<const expression*> expression_parser::read_list() {
    expression& node = make(op::list, in_.take().line);
    while (!in_.sees_sign("]")) {
        if (!node.operands.empty()) {
            CHECK(in_.expect_sign(","));
            if (in_.sees_sign("]")) break;
        }
        TRY(const expression* item, read());
        node.operands.push_back(item);
    }
    in_.take();
    return &node;
}

result<const expression*> expression_parser::read_dict() {
    expression& node = make(op::dict, in_.take().line);
    while (!in_.sees_sign("}")) {
        if (!node.operands.empty()) {
            CHECK(in_.expect_sign(","));
            if (in_.sees_sign("}")) break;
        }
        TRY(const expression* key, read());
        CHECK(in_.expect_sign(":"));
        TRY(const expression* member, read());
        node.operands.push_back(key);
        node.operands.push_back(member);
    }
    in_.take();
    return &node;
}

result<const expression*> expression_parser::read_dot(const expression* of) {
    const std::uint32_t line = in_.take().line;
    if (in_.sees(token_type::name)) {
        expression& node = make(op::attribute, line);
        node.operands.push_back(of);
        node.name = in_.take().text;
        return &node;
    }
    if (!in_.sees(token_type::integer)) return in_.unexpected();
    expression& node = make(op::element, line);
    TRY(const expression* index, read_literal());
    node.operands = {of, index};
    return &node;
}

result<const expression*> expression_parser::read_subscript(const expression* of) {
    const std::uint32_t line = in_.take().line;
    const expression* parts[3] = {};
    std::size_t colons = 0;
    while (!in_.sees_sign("]")) {
        if (in_.skip_sign(":")) {
            if (++colons > 2) return in_.unexpected();
            continue;
        }
        if (parts[colons] != nullptr) return in_.unexpected();
        TRY(parts[colons], read());
    }
    if (colons == 0 && parts[0] == nullptr) return in_.unexpected();
    in_.take();
    expression& node = make(colons == 0 ? op::element : op::slice, line);
    node.operands = {of, parts[0]};
    if (colons != 0) node.operands.insert(node.operands.end(), {parts[1], parts[2]});
    return &node;
}

result<void> expression_parser::read_arguments(expression& into) {
    CHECK(in_.expect_sign("("));
    bool first = true;
    while (!in_.sees_sign(")")) {
        if (!first) {
            CHECK(in_.expect_sign(","));
            if (in_.sees_sign(")")) break;
        }
        first = false;
        if (in_.sees_sign("*") || in_.sees_sign("**"))
            return fault_at(in_.now().line, "arguments by * and ** are not supported");
        if (in_.sees(token_type::name) && in_.next().is(token_type::sign, "=")) {
            std::string name = in_.take().text;
            in_.take();
            TRY(const expression* to, read());
            into.named.emplace_back(std::move(name), to);
            continue;
        }
        if (!into.named.empty()) return in_.unexpected();
        TRY(const expression* given, read());
        into.operands.push_back(given);
    }
    in_.take();
    return success();
}

result<const expression*> expression_parser::read_call(const expression* of) {
    expression& node = make(op::call, in_.now().line);
    node.operands.push_back(of);
    CHECK(read_arguments(node));
    return &node;
}

result<const expression*> expression_parser::read_filter(const expression* of) {
    expression& node = make(op::filter, in_.now().line);
    TRY(node.name, in_.expect_name());
    node.row = find_filter(node.name);
    if (node.row == nullptr) return fault_at(node.line, "there is no filter '" + node.name + "'");
    node.operands.push_back(of);
    if (in_.sees_sign("(")) {
        CHECK(read_arguments(node));
    }
    return &node;
}

result<const expression*> expression_parser::read_test(const expression* of) {
    expression& node = make(op::test, in_.take().line);
    node.negated = in_.skip_word("not");
    TRY(node.name, in_.expect_name());
    node.row = find_test(node.name);
    if (node.row == nullptr) return fault_at(node.line, "there is no test '" + node.name + "'");
    node.operands.push_back(of);
    if (in_.sees_sign("(")) {
        CHECK(read_arguments(node));
        return &node;
    }
    const bool takes_one = in_.sees(token_type::string) || in_.sees(token_type::integer) ||
                           in_.sees(token_type::real) || in_.sees_sign("[") || in_.sees_sign("{") ||
                           (in_.sees(token_type::name) && !in_.sees_word("else") &&
                            !in_.sees_word("or") && !in_.sees_word("and"));
    if (!takes_one) return &node;
    if (in_.sees_word("is")) return fault_at(in_.now().line, "tests cannot be chained");
    // `x is test if y`: Jinja reads `if` as an argument too, which its grammar then refuses.
    std::size_t length = 0;
    TRY(const expression* primary, read_primary());
    TRY(const expression* given, read_postfix(primary, length));
    node.operands.push_back(given);
    return &node;
}

result<const expression*> expression_parser::read_filters() {
    const expression* node = nullptr;
    for (std::size_t length = 0; in_.skip_sign("|"); ++length) {
        if (length > 64) return in_.too_deep();
        TRY(node, read_filter(node));
    }
    return node;
}

result<const expression*> expression_parser::read_filter_names() {
    TRY(const expression* node, read_filter(nullptr));
    for (std::size_t length = 0; in_.skip_sign("|"); ++length) {
        if (length > 64) return in_.too_deep();
        TRY(node, read_filter(node));
    }
    return node;
}

}  // namespace penstock::worker::jinja
