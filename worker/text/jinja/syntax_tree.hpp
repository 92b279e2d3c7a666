// A parsed template.
#pragma once

#include "worker/text/jinja/workspace.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace penstock::worker::jinja {

// Names are numbered, so that a scope is a short table of numbers.
using name_id = std::uint32_t;

// Names that the language itself gives a value, in this order from 0 in every tree.
enum : name_id { loop_id, caller_id, varargs_id, kwargs_id };

enum class op : std::uint8_t {
    literal,
    name,
    list,
    tuple,
    dict,       // operands: key, value, key, value …
    attribute,  // operands[0].name
    element,    // operands[0][operands[1]]
    slice,      // operands[0][operands[1]:operands[2]:operands[3]], absent ones null
    call,       // operands[0](operands[1]…, named…)
    filter,     // operands[0] | name(operands[1]…, named…); null in `{% filter %}`
    test,       // operands[0] is name(operands[1]…, named…)
    negative,
    positive,
    not_,
    and_,  // of all operands
    or_,
    compare,      // operands[0] signs[0] operands[1] signs[1] …
    arithmetic,   // likewise, from the left
    concat,       // operands joined as text
    conditional,  // operands[0] if operands[1] else operands[2], which may be null
};

enum class sign : std::uint8_t {
    add,
    subtract,
    multiply,
    divide,
    floor_divide,
    modulo,
    power,
    equal,
    not_equal,
    less,
    less_equal,
    greater,
    greater_equal,
    in,
    not_in,
};

struct expression {
    op what = op::literal;
    std::uint32_t line = 0;
    bool negated = false;  // `is not`
    name_id id = 0;
    value constant;
    std::string name;
    const callable_row* row = nullptr;  // of a filter or test
    std::vector<const expression*> operands;
    std::vector<std::pair<std::string, const expression*>> named;
    std::vector<sign> signs;
};

// Where `set` and `for` put a value: a name, a member of a namespace, or several of them.
struct target {
    std::uint32_t line = 0;
    name_id id = 0;
    std::string member;  // of the namespace `id`; empty: the name itself
    std::vector<target> parts;
    bool is_tuple = false;
};

enum class act : std::uint8_t {
    data,
    print,
    if_,
    for_,
    set,
    set_block,
    macro,
    call_block,
    filter_block,
    with,
    scope,  // `{% generation %}`
    break_,
    continue_,
};

struct statement;
using block = std::vector<const statement*>;

struct parameter {
    name_id id = 0;
    std::string name;
    const expression* fallback = nullptr;
};

// A macro, or the body of a call block.
struct signature {
    name_id id = 0;
    std::string name;
    std::vector<parameter> parameters;
    bool uses_caller = false, uses_varargs = false, uses_kwargs = false;
};

struct statement {
    act what = act::data;
    std::uint32_t line = 0;
    std::string data;
    const expression* of = nullptr;     // printed, assigned, looped over, called, or the filter
    const expression* only = nullptr;   // `for … if`
    std::vector<target> targets;        // of for, set and with
    std::vector<const expression*> to;  // of with
    std::vector<std::pair<const expression*, block>> branches;  // of if and its elifs
    block body;
    block otherwise;  // else
    signature macro;
    bool is_recursive = false;
};

struct syntax_tree {
    block body;
    std::unordered_map<std::string, name_id> ids;
    std::vector<std::string> names;  // by id

    std::deque<expression> expressions;
    std::deque<statement> statements;
    std::deque<text> literals;

    name_id id_of(const std::string& name);
};

}  // namespace penstock::worker::jinja
