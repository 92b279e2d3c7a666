// What an operator sets of the engine.
#pragma once

#include "penstock/clock.hpp"

#include <cstdint>
#include <string>

namespace penstock::worker {

struct engine_options {
    std::uint32_t max_sequences = 64;     // in one step
    std::uint32_t max_step_tokens = 512;  // the token budget of one step
    std::uint32_t max_waiting = 256;      // per class; more are refused
    std::uint64_t kv_bytes = 1u << 30;    // for keys and values
    bool reuse_prefixes = true;
    duration max_bulk_age = std::chrono::seconds(10);  // then bulk counts as realtime
    double bulk_reserve = 0.1;         // share of slots and pages that bulk may not take
    std::uint32_t max_overtakes = 16;  // later ones let in before one that does not fit yet
    std::string cache_domain;          // of the weights: part of every prefix hash
};

}  // namespace penstock::worker
