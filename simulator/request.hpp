// One request as the load offers it, and what became of it.
#pragma once

#include "penstock/contracts/work.hpp"
#include "penstock/error.hpp"

#include <cstdint>

namespace penstock::simulator {

struct request {
    time_point arrived{};
    request_class klass = request_class::realtime;
    std::uint32_t tenant = 0;
    std::uint32_t prompt = 1, output = 1;                         // tokens, in truth
    std::uint32_t est_prompt = 0, est_error = 0, est_output = 0;  // as the gateway believes
    std::uint32_t max_tokens = 0;                                 // 0: none
    std::uint64_t affinity = 0;
    duration deadline{};  // asked by the client; 0: nothing asked
    bool streamed = true;
    bool obeys = true;  // comes again when it is told to
};

enum class fate : std::uint8_t {
    running,   // not over when the run ended
    finished,  // its last token came
    refused,   // with `reason`
    left,      // the client gave up before the first token
    failed     // its replica was lost
};

struct record {
    time_point arrived{};
    time_point dispatched = never;           // the first time
    time_point first = never, last = never;  // tokens
    std::uint32_t tenant = 0;
    std::uint32_t replica = 0;  // the last that it was sent to, in the order of the settings
    std::uint32_t prompt = 0, output = 0;
    request_class klass = request_class::realtime;
    fate end = fate::running;
    errc reason = errc::count_;          // of the last refusal
    duration told_wait{}, told_retry{};  // of the last refusal: predicted wait and Retry-After
    bool obeys = true;
    bool granted = false;       // was sent to a replica at least once
    std::uint8_t attempts = 0;  // of the client
};

// How dear a request is: reading a token counts once, making one twice (docs/simulator.md).
constexpr double weighted_tokens(std::uint32_t prompt, std::uint32_t output) noexcept {
    return double{1} * prompt + double{2} * output;
}

}  // namespace penstock::simulator
