// Runs a parsed template over the values of one rendering.
#pragma once

#include "worker/text/jinja/loop.hpp"
#include "worker/text/jinja/syntax_tree.hpp"

#include <deque>
#include <vector>

namespace penstock::worker::jinja {

// The variables of a block; what is not here is looked for outside.
struct scope {
    scope* outer = nullptr;
    std::vector<std::pair<name_id, value>> variables;
    bool is_captured = false;  // by a macro, which may be called when the block is over

    void set(name_id id, const value& to);
};

struct macro {
    const signature* declared = nullptr;
    const block* body = nullptr;
    scope* around = nullptr;
};

class interpreter {
 public:
    // `globals`: the value of every name of the tree by its id, absent where it has none.
    interpreter(const syntax_tree& tree, workspace& space, std::vector<value> globals);

    result<void> run(text& out);
    // Of what is done now, or was when it failed.
    std::uint32_t line() const noexcept { return line_; }

 private:
    enum class flow : std::uint8_t { on, break_, continue_ };

    // One level of recursion, of whatever kind.
    class frame {
     public:
        explicit frame(interpreter& of) : of_(of) { ++of_.depth_; }
        ~frame() { --of_.depth_; }
        frame(const frame&) = delete;
        frame& operator=(const frame&) = delete;

     private:
        interpreter& of_;
    };
    result<void> check_depth() const;

    result<flow> execute(const block& all);
    result<flow> execute(const statement& s);
    result<void> execute_plain(const statement& s);
    result<flow> execute_if(const statement& s);
    result<flow> execute_for(const statement& s);
    result<flow> execute_inside(const block& body, scope& inner);
    result<void> execute_set(const statement& s);
    result<flow> execute_set_block(const statement& s);
    result<flow> execute_filter_block(const statement& s);
    result<flow> execute_with(const statement& s);
    result<void> execute_call_block(const statement& s);
    void define_macro(const statement& s);
    result<void> write(std::string_view own);
    result<void> write(const value& v);
    result<void> assign(const target& to, const value& v);

    result<flow> run_loop(
        const statement& s, std::vector<value> items, scope* around, std::size_t depth
    );
    result<std::vector<value>> pick(const statement& s, std::vector<value> items);

    result<value> evaluate(const expression& e);
    result<value> evaluate_optional(const expression* e);
    result<bool> is_true_of(const expression& e);
    result<value> name_of(const expression& e) const;
    result<value> build_items(const expression& e);
    result<value> build_dict(const expression& e);
    result<value> access(const expression& e);
    result<value> call(const expression& e, const value& caller);
    result<value> apply(const expression& e);  // a filter or test
    result<value> choose(const expression& e);
    result<value> compare_all(const expression& e);
    result<value> compute(const expression& e);
    result<value> concatenate(const expression& e);
    result<arguments> arguments_of(const expression& e);
    result<value> call_macro(const macro& m, arguments given, const value& caller);
    result<void> bind(const macro& m, arguments& given, scope& inner);
    result<value> call_loop(loop_state& loop, const arguments& given);

    scope& open_scope(scope* outer);
    void close_scope(scope& s);

    const syntax_tree& tree_;
    workspace& space_;
    std::vector<value> globals_;
    text* out_ = nullptr;
    scope* scope_ = nullptr;
    value block_;  // what a `{% filter %}` or `{% set | … %}` caught
    std::uint32_t line_ = 1;
    std::size_t depth_ = 0;    // of everything
    std::size_t nesting_ = 0;  // of macros and loops
    std::deque<scope> scopes_;
    std::vector<scope*> free_scopes_;
    std::deque<macro> macros_;
    std::deque<loop_state> loops_;
};

}  // namespace penstock::worker::jinja
