// Tokens to a tree. The grammar is Jinja2's, without templates that include one another.
#pragma once

#include "worker/text/jinja/lexer.hpp"
#include "worker/text/jinja/syntax_tree.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>

namespace penstock::worker::jinja {

// Errors: invalid_value, "line N: …", also for a filter, test or tag that there is not, and for
// blocks or expressions nested deeper than `depth`.
result<std::unique_ptr<syntax_tree>> parse(std::string_view source, std::size_t depth);

// The parser's parts: expressions and statements are read by two classes over one stream.
class token_stream {
 public:
    token_stream(std::vector<token> tokens, std::size_t depth, syntax_tree& tree)
        : tree(tree), tokens_(std::move(tokens)), depth_left_(depth) {}

    const token& now() const noexcept { return tokens_[at_]; }
    const token& next() const noexcept { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
    token take() {
        token out = std::move(tokens_[at_]);
        if (at_ + 1 < tokens_.size())
            ++at_;
        else
            tokens_[at_] = out;
        return out;
    }
    bool sees(token_type type) const noexcept { return now().type == type; }
    bool sees_sign(std::string_view text) const noexcept {
        return now().is(token_type::sign, text);
    }
    bool sees_word(std::string_view text) const noexcept {
        return now().is(token_type::name, text);
    }
    bool skip_sign(std::string_view text) { return sees_sign(text) && (take(), true); }
    bool skip_word(std::string_view text) { return sees_word(text) && (take(), true); }
    result<void> expect_sign(std::string_view text);
    result<void> expect_word(std::string_view text);
    result<std::string> expect_name();
    result<void> expect_end_of_block();
    error unexpected() const;

    // Holds one level of nesting.
    class level {
     public:
        explicit level(token_stream& of) : of_(of), is_deep_(of.depth_left_ == 0) {
            if (!is_deep_) --of_.depth_left_;
        }
        ~level() {
            if (!is_deep_) ++of_.depth_left_;
        }
        level(const level&) = delete;
        level& operator=(const level&) = delete;
        bool is_too_deep() const noexcept { return is_deep_; }

     private:
        token_stream& of_;
        bool is_deep_;
    };
    error too_deep() const { return fault_at(now().line, "nests too deep"); }

    syntax_tree& tree;
    std::vector<signature*> macros;  // those being read, the innermost last

 private:
    std::vector<token> tokens_;
    std::size_t at_ = 0;
    std::size_t depth_left_;
};

class expression_parser {
 public:
    explicit expression_parser(token_stream& in) : in_(in) {}

    result<const expression*> read();                       // with `if … else`
    result<const expression*> read_without_condition();     // what `for` loops over
    result<const expression*> read_tuple(bool conditions);  // `a, b` is a tuple
    result<const expression*> read_filters();               // of a block: `| a | b`, or null
    result<const expression*> read_filter_names();          // of `{% filter a | b %}`

 private:
    using one = result<const expression*>;
    one read_or();
    one read_and();
    one read_not();
    one read_compare();
    one read_sum();
    one read_concat();
    one read_product();
    one read_power();
    one read_unary(bool filters);
    one read_primary();
    one read_postfix(const expression* node, std::size_t& length);
    one read_dot(const expression* node);
    one read_subscript(const expression* node);
    one read_call(const expression* node);
    one read_filter(const expression* node);
    one read_test(const expression* node);
    one read_parenthesized();
    one read_list();
    one read_dict();
    one read_literal();
    result<void> read_arguments(expression& into);
    template <class Read>
    one read_chain(op what, Read read, std::optional<sign> (*sign_of)(const token_stream&));

    expression& make(op what, std::uint32_t line);

    token_stream& in_;
};

}  // namespace penstock::worker::jinja
