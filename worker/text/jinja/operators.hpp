// Python's operators over values.
#pragma once

#include "worker/text/jinja/syntax_tree.hpp"

namespace penstock::worker::jinja {

// + - * / // % ** with Python's results; an integer beyond 127 bits is a fault.
result<value> arithmetic(workspace& space, sign what, const value& a, const value& b);
result<value> negated(const value& v);

// == != < <= > >= in not in
result<bool> compare(workspace& space, sign what, const value& a, const value& b);
// a < b, or the fault of two values without an order.
result<bool> less(workspace& space, const value& a, const value& b);
result<bool> contains(workspace& space, const value& whole, const value& part);

// `format % given`, in format.cpp.
result<value> format_percent(workspace& space, const value& format, const value& given);

// Sorts stably by less().
result<void> sort_by_keys(
    workspace& space, std::vector<std::pair<value, value>>& keyed, bool reversed
);

}  // namespace penstock::worker::jinja
