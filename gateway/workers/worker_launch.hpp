// From the settings of a worker to the command that starts it.
#pragma once

#include "gateway/settings/settings.hpp"
#include "penstock/result.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace penstock::gateway {

// `worker.program`, or penstock-worker beside the running program. Fails when there is none.
result<std::string> worker_program(const settings::worker& all);

// What is started beside the worker's own settings.
struct worker_launch {
    std::string program;
    std::string served_name;
    std::string socket;         // path
    std::size_t num_loops = 1;  // of ours: each keeps connections to the worker
};

// A worker takes whatever passes our own limits: it gets them, with room for what we add. Two with
// the same command are the same: one may stay in the other's place.
std::vector<std::string> worker_command(
    const worker_launch& launch,
    const settings::bundled_worker& worker,
    const settings::limits& limits
);

}  // namespace penstock::gateway
