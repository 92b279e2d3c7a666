// The path of a request.
#pragma once

#include "gateway/thread_state.hpp"
#include "penstock/http/server.hpp"

namespace penstock::gateway {

// Takes one exchange from its head to its settling. Never throws.
io::task<void> run_request(http::exchange& x, thread_state& thread);

// Answers a head that could not be read.
io::task<void> refuse_head(http::exchange& x, thread_state& thread, refusal why);

}  // namespace penstock::gateway
