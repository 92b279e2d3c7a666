// What requests are held against: facts of the model that is served, and limits.
#pragma once

#include "worker/api/request_limits.hpp"
#include "worker/ops/sampling.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace penstock::worker {

struct request_rules {
    std::string model;                // the one name that is served
    std::uint32_t vocabulary = 0;     // ids from 0 to here may be named
    std::uint32_t max_positions = 0;  // prompt and answer together
    sampling_params defaults;         // of generation_config.json, for what a request leaves out
    std::vector<token_id> stop_ids;   // end every answer whose request does not say ignore_eos
    bool argument_objects = true;     // how the chat template wants the arguments of tool calls
    request_limits most;
};

}  // namespace penstock::worker
