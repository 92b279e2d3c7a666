// Expressions, loosest binding first. Chains of one level are flat, so that a long sum nests
// nothing.
#include "worker/text/jinja/filters.hpp"
#include "worker/text/jinja/parser.hpp"

#include <charconv>
#include <optional>

namespace penstock::worker::jinja {
namespace {

struct spelling {
    std::string_view text;
    sign meant;
};

template <std::size_t N>
std::optional<sign> sign_among(const token_stream& in, const spelling (&all)[N]) {
    if (!in.sees(token_type::sign)) return {};
    for (const auto& [text, meant] : all)
        if (in.now().text == text) return meant;
    return {};
}

std::optional<sign> sum_sign(const token_stream& in) {
    static constexpr spelling all[] = {{"+", sign::add}, {"-", sign::subtract}};
    return sign_among(in, all);
}

std::optional<sign> product_sign(const token_stream& in) {
    static constexpr spelling all[] = {
        {"*", sign::multiply}, {"/", sign::divide}, {"//", sign::floor_divide}, {"%", sign::modulo}
    };
    return sign_among(in, all);
}

std::optional<sign> power_sign(const token_stream& in) {
    static constexpr spelling all[] = {{"**", sign::power}};
    return sign_among(in, all);
}

std::optional<sign> compare_sign(const token_stream& in) {
    static constexpr spelling all[] = {
        {"==", sign::equal},
        {"!=", sign::not_equal},
        {"<", sign::less},
        {"<=", sign::less_equal},
        {">", sign::greater},
        {">=", sign::greater_equal}
    };
    if (in.sees_word("in")) return sign::in;
    if (in.sees_word("not") && in.next().is(token_type::name, "in")) return sign::not_in;
    return sign_among(in, all);
}

}  // namespace

expression& expression_parser::make(op what, std::uint32_t line) {
    expression& made = in_.tree.expressions.emplace_back();
    made.what = what;
    made.line = line;
    return made;
}

template <class Read>
result<const expression*> expression_parser::read_chain(
    op what, Read read, std::optional<sign> (*sign_of)(const token_stream&)
) {
    const std::uint32_t line = in_.now().line;
    TRY(const expression* first, (this->*read)());
    expression* chain = nullptr;
    while (const auto found = sign_of(in_)) {
        if (*found == sign::not_in) in_.take();
        in_.take();
        if (chain == nullptr) {
            chain = &make(what, line);
            chain->operands.push_back(first);
        }
        TRY(const expression* more, (this->*read)());
        chain->operands.push_back(more);
        chain->signs.push_back(*found);
    }
    return chain != nullptr ? chain : first;
}

result<const expression*> expression_parser::read() {
    const token_stream::level level(in_);
    if (level.is_too_deep()) return in_.too_deep();
    std::uint32_t line = in_.now().line;
    TRY(const expression* node, read_or());
    std::size_t length = 0;
    while (in_.skip_word("if")) {
        if (++length > 16) return in_.too_deep();
        expression& choice = make(op::conditional, line);
        TRY(const expression* condition, read_or());
        const expression* otherwise = nullptr;
        if (in_.skip_word("else")) {
            TRY(otherwise, read());
        }
        choice.operands = {node, condition, otherwise};
        node = &choice;
        line = in_.now().line;
    }
    return node;
}

result<const expression*> expression_parser::read_without_condition() {
    const token_stream::level level(in_);
    if (level.is_too_deep()) return in_.too_deep();
    return read_or();
}

result<const expression*> expression_parser::read_tuple(bool conditions) {
    const std::uint32_t line = in_.now().line;
    const auto read_one = [&] { return conditions ? read() : read_without_condition(); };
    TRY(const expression* first, read_one());
    if (!in_.sees_sign(",")) return first;
    expression& tuple = make(op::tuple, line);
    tuple.operands.push_back(first);
    while (in_.skip_sign(",")) {
        if (in_.sees(token_type::variable_end) || in_.sees(token_type::block_end) ||
            in_.sees_sign(")") || in_.sees_word("recursive"))
            break;
        TRY(const expression* more, read_one());
        tuple.operands.push_back(more);
    }
    return &tuple;
}

result<const expression*> expression_parser::read_or() {
    return read_chain(op::or_, &expression_parser::read_and, [](const token_stream& in) {
        return in.sees_word("or") ? std::optional(sign::add) : std::nullopt;
    });
}

result<const expression*> expression_parser::read_and() {
    return read_chain(op::and_, &expression_parser::read_not, [](const token_stream& in) {
        return in.sees_word("and") ? std::optional(sign::add) : std::nullopt;
    });
}

result<const expression*> expression_parser::read_not() {
    if (!in_.sees_word("not")) return read_compare();
    const token_stream::level level(in_);
    if (level.is_too_deep()) return in_.too_deep();
    expression& node = make(op::not_, in_.take().line);
    TRY(const expression* of, read_not());
    node.operands.push_back(of);
    return &node;
}

result<const expression*> expression_parser::read_compare() {
    return read_chain(op::compare, &expression_parser::read_sum, compare_sign);
}

result<const expression*> expression_parser::read_sum() {
    return read_chain(op::arithmetic, &expression_parser::read_concat, sum_sign);
}

result<const expression*> expression_parser::read_concat() {
    return read_chain(op::concat, &expression_parser::read_product, [](const token_stream& in) {
        return in.sees_sign("~") ? std::optional(sign::add) : std::nullopt;
    });
}

result<const expression*> expression_parser::read_product() {
    return read_chain(op::arithmetic, &expression_parser::read_power, product_sign);
}

result<const expression*> expression_parser::read_power() {
    const std::uint32_t line = in_.now().line;
    TRY(const expression* first, read_unary(true));
    if (!power_sign(in_)) return first;
    expression& chain = make(op::arithmetic, line);
    chain.operands.push_back(first);
    while (in_.skip_sign("**")) {
        TRY(const expression* more, read_unary(true));
        chain.operands.push_back(more);
        chain.signs.push_back(sign::power);
    }
    return &chain;
}

result<const expression*> expression_parser::read_unary(bool filters) {
    const expression* node = nullptr;
    if (in_.sees_sign("-") || in_.sees_sign("+")) {
        const token_stream::level level(in_);
        if (level.is_too_deep()) return in_.too_deep();
        const token sign = in_.take();
        expression& unary = make(sign.text == "-" ? op::negative : op::positive, sign.line);
        TRY(const expression* of, read_unary(false));
        unary.operands.push_back(of);
        node = &unary;
    } else {
        TRY(node, read_primary());
    }
    std::size_t length = 0;
    TRY(node, read_postfix(node, length));
    while (filters) {
        // Each link nests the ones before it, so their number is bounded like depth.
        if (++length > 64) return in_.too_deep();
        if (in_.sees_sign("|")) {
            in_.take();
            TRY(node, read_filter(node));
        } else if (in_.sees_word("is")) {
            TRY(node, read_test(node));
        } else if (in_.sees_sign("(")) {
            TRY(node, read_call(node));
        } else {
            break;
        }
    }
    return node;
}

result<const expression*> expression_parser::read_postfix(
    const expression* node, std::size_t& length
) {
    for (;;) {
        if (++length > 64) return in_.too_deep();
        if (in_.sees_sign(".")) {
            TRY(node, read_dot(node));
        } else if (in_.sees_sign("[")) {
            TRY(node, read_subscript(node));
        } else if (in_.sees_sign("(")) {
            TRY(node, read_call(node));
        } else {
            return node;
        }
    }
}

result<const expression*> expression_parser::read_literal() {
    const token from = in_.take();
    expression& node = make(op::literal, from.line);
    if (from.type == token_type::string) {
        text whole(from.text);
        while (in_.sees(token_type::string))
            whole.append(in_.take().text);
        node.constant = value(&in_.tree.literals.emplace_back(std::move(whole)));
        return &node;
    }
    const char* const begin = from.text.data();
    const char* const end = begin + from.text.size();
    if (from.type == token_type::real) {
        double number = 0;
        std::from_chars(begin, end, number);
        node.constant = value(number);
        return &node;
    }
    const char letter = from.text.size() > 2 ? static_cast<char>(from.text[1] | 0x20) : '0';
    const int base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10;
    std::int64_t number = 0;
    const auto read = std::from_chars(begin + (base == 10 ? 0 : 2), end, number, base);
    if (read.ec != std::errc() || read.ptr != end)
        return fault_at(from.line, "an integer is beyond 64 bits");
    node.constant = value(static_cast<integer>(number));
    return &node;
}

result<const expression*> expression_parser::read_primary() {
    if (in_.sees_sign("(")) return read_parenthesized();
    if (in_.sees_sign("[")) return read_list();
    if (in_.sees_sign("{")) return read_dict();
    if (in_.sees(token_type::string) || in_.sees(token_type::integer) || in_.sees(token_type::real))
        return read_literal();
    if (!in_.sees(token_type::name)) return in_.unexpected();
    const token name = in_.take();
    const auto constant = [&](value v) {
        expression& node = make(op::literal, name.line);
        node.constant = v;
        return &node;
    };
    if (name.text == "true" || name.text == "True") return constant(value(true));
    if (name.text == "false" || name.text == "False") return constant(value(false));
    if (name.text == "none" || name.text == "None") return constant(value::none());
    for (signature* const macro : in_.macros) {
        macro->uses_caller = macro->uses_caller || name.text == "caller";
        macro->uses_varargs = macro->uses_varargs || name.text == "varargs";
        macro->uses_kwargs = macro->uses_kwargs || name.text == "kwargs";
    }
    expression& node = make(op::name, name.line);
    node.name = name.text;
    node.id = in_.tree.id_of(name.text);
    return &node;
}

}  // namespace penstock::worker::jinja
