// Starts an engine: one thread owns device, model, cache and scheduler from then on; a step is
// plan, prepare, forward, sample, commit.
#pragma once

#include "worker/engine/engine.hpp"
#include "worker/engine/engine_options.hpp"
#include "worker/models/language_model.hpp"

namespace penstock::worker {

// The model's `reserve` and the key-value store are done here. Errors: invalid_value when the
// options cannot hold even one sequence of one page; internal when the device has no room.
result<std::unique_ptr<engine>> start_engine(
    std::unique_ptr<backend> device,
    std::unique_ptr<language_model> model,
    const engine_options& options
);

}  // namespace penstock::worker
