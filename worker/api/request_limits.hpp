// What an operator allows one request to ask for.
#pragma once

#include <cstddef>
#include <cstdint>

namespace penstock::worker {

struct request_limits {
    std::uint32_t max_choices = 16;  // answers of one request: prompts times `n`
    std::size_t max_stops = 16;
    std::size_t max_stop_bytes = 1024;  // of one stop string
    std::size_t max_stop_ids = 256;
    std::size_t max_biases = 1024;
    std::size_t max_salt_bytes = 256;  // of the header's, and of the field's
    std::size_t json_depth = 64;
};

}  // namespace penstock::worker
