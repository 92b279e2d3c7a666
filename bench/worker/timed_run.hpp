// Runs generations through an engine and says how fast their tokens came.
#pragma once

#include "worker/engine/engine.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace penstock::bench {

struct timed_run {
    double prefill_seconds = 0;  // from the first submission to the last first token
    double decode_seconds = 0;   // from the last first token to the first end
    std::uint64_t prompt_tokens = 0;
    std::uint64_t decoded_tokens = 0;  // within decode_seconds

    double prefill_rate() const noexcept { return double(prompt_tokens) / prefill_seconds; }
    double decode_rate() const noexcept { return double(decoded_tokens) / decode_seconds; }
};

// `copies` generations at once, each with a prompt of its own of `prompt` random tokens and an
// answer of `output`. Errors: whatever the engine says.
result<timed_run> run_generations(
    worker::engine& engine, std::uint32_t copies, std::uint32_t prompt, std::uint32_t output
);

}  // namespace penstock::bench
