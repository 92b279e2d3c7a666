// An engine's parameters from what the gateway logged of it.
#pragma once

#include "penstock/result.hpp"
#include "simulator/engine.hpp"
#include "simulator/trace.hpp"

#include <span>

namespace penstock::simulator {

struct fitted {
    engine_model model;       // sequences and kv_tokens are those that were given
    std::size_t answers = 0;  // that it stands on
    double error = 0;         // of the time that an answer takes to decode: mean |error| ÷ mean
};

// Least squares, from streamed answers that were served:
//  - the time from first to last token, over the iterations in it (output − 1), these times the
//    mean number that decoded beside it, and the prompt tokens that the replica read meanwhile,
//    gives `iteration`, `per_sequence` and 1 ÷ `prefill`;
//  - the time from dispatch to first token, over the prompt tokens that the replica had yet to
//  read,
//    gives 1 ÷ `prefill` + an iteration's time ÷ `chunk`, of which `chunk` is what remains.
// Fails when there are too few answers, or when they do not say: a load that never varies has no
// slope. What comes out below zero is taken as the least that is possible.
result<fitted> fit_engine(std::span<const trace_line> lines, const engine_model& given);

}  // namespace penstock::simulator
