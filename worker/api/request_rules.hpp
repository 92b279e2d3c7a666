// What requests are held against: facts of the model that is served, and limits.
#pragma once

#include "worker/ops/sampling.hpp"

#include <cstddef>
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

    std::uint32_t max_choices = 16;  // answers of one request: prompts times `n`
    std::size_t max_stops = 16;
    std::size_t max_stop_bytes = 1024;  // of one stop string
    std::size_t max_stop_ids = 256;
    std::size_t max_biases = 1024;
    std::size_t max_salt_bytes = 256;
    std::size_t json_depth = 64;
};

}  // namespace penstock::worker
