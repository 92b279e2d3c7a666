// The memory and the budget of one rendering, and how everything callable is called.
#pragma once

#include "penstock/result.hpp"
#include "worker/text/jinja/value.hpp"
#include "worker/text/template_limits.hpp"

#include <chrono>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock::worker::jinja {

using limits = template_limits;

error fault(std::string what);
error wrong_type(std::string_view what, const value& got);  // "…, not 'int'"

class workspace {
 public:
    workspace(const limits& most, std::chrono::system_clock::time_point now)
        : most_(most), now_(now) {}
    workspace(const workspace&) = delete;
    workspace& operator=(const workspace&) = delete;

    const limits& most() const noexcept { return most_; }
    std::chrono::system_clock::time_point now() const noexcept { return now_; }
    result<void> charge(std::size_t steps);
    result<void> charge_bytes(std::size_t bytes) { return charge(2 + bytes / 32); }
    // Before a string of this size is made. Errors: context_length_exceeded.
    result<void> check_size(std::size_t bytes) const;

    // The text of raise_exception, which the one who asked shall read as it is.
    error raise(std::string message);
    // Filters that apply filters nest.
    result<void> enter();
    void leave() noexcept { --nesting_; }

    bool has_raised() const noexcept { return has_raised_; }

    result<value> make(text from);
    result<value> make(std::string_view own) { return make(text(own)); }
    result<value> make_list(std::vector<value> items, kind what = kind::list, std::string as = {});
    result<value> make_generator(std::vector<value> items);
    result<value> make(dict from);
    value make_bound(const value& self, const callable_row& row);
    value make_name_space();
    value undefined(kind of, std::string name);
    // Jinja's message for what has none of the two forms: a hint.
    value undefined(std::string hint) { return undefined(kind::builtin, std::move(hint)); }

 private:
    limits most_;
    std::chrono::system_clock::time_point now_;
    std::size_t spent_ = 0;
    std::size_t nesting_ = 0;
    bool has_raised_ = false;
    std::deque<text> texts_;
    std::deque<list> lists_;
    std::deque<dict> dicts_;
    std::deque<generator> generators_;
    std::deque<bound_method> bounds_;
    std::deque<name_space> name_spaces_;
    std::deque<std::string> names_;
};

struct arguments {
    std::vector<value> positional;
    std::vector<std::pair<std::string_view, value>> named;

    const value& operator[](std::size_t index) const noexcept { return positional[index]; }
};

// A filter, test, method or global function.
struct callable_row {
    std::string_view name;
    result<value> (*run)(workspace& space, const value& self, const arguments& given);
    // Names of the parameters, "width,first,blank". `run` sees one positional value for each, which
    // is absent where none was given. "*": `run` sees the arguments as they are.
    std::string_view parameters;
    unsigned num_required = 0;
};

result<value> invoke(workspace& space, const callable_row& row, const value& self, arguments given);
const callable_row* find_row(std::span<const callable_row> rows, std::string_view name) noexcept;

// What an undefined value says when it is used.
error undefined_fault(const value& v);
// The items of whatever can be looped over; a generator is then spent.
result<std::vector<value>> iterate(workspace& space, const value& v);

}  // namespace penstock::worker::jinja
