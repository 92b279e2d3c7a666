// What the worker is told when it is started.
#pragma once

#include "worker/worker_options.hpp"

#include <optional>

namespace penstock::worker {

struct command_line {
    worker_options options;
    int lifeline = -1;  // the reading end of a pipe; -1: none
};

struct command_line_read {
    std::optional<command_line> line;  // nothing: the program ends
    int exit_code = 0;                 // then with this
};

// Says on standard output what was asked for (--help, --version: `version`), and on standard error
// what is wrong.
command_line_read read_command_line(int argc, const char* const* argv, const char* version);

}  // namespace penstock::worker
