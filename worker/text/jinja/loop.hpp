// The `loop` of a `for`.
#pragma once

#include "worker/text/jinja/workspace.hpp"

#include <string>
#include <vector>

namespace penstock::worker::jinja {

struct statement;
struct scope;

struct loop_state {
    std::vector<value> items;
    std::size_t at = 0;
    std::size_t depth = 0;         // of recursive loops around it
    std::vector<value> last_seen;  // by `changed`
    bool has_seen = false;
    bool is_over = false;             // nothing more may be asked of it
    const statement* body = nullptr;  // a recursive loop may be called
    scope* around = nullptr;
};

// index, last, previtem …; absent for what a loop has not.
result<value> loop_attribute(workspace& space, loop_state& loop, const std::string& name);

}  // namespace penstock::worker::jinja
