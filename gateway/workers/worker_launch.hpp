// From the settings of a worker to the command that starts it.
#pragma once

#include "gateway/settings/settings.hpp"
#include "penstock/result.hpp"

#include <string>
#include <vector>

namespace penstock::gateway {

// `worker.program`, or penstock-worker beside the running program. Fails when there is none.
result<std::string> worker_program(const settings::worker& all);

// Two workers with the same command are the same: one may stay in the other's place.
std::vector<std::string> worker_command(
    const std::string& program,
    const settings::bundled_worker& worker,
    const std::string& served_name,
    const std::string& socket
);

}  // namespace penstock::gateway
