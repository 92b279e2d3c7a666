// Passing a request on to another model when the one that it is at cannot serve it. Each model is a
// pass of *limit*, *steer* and *admit* over the same facts, with a work, reservation and ticket of
// its own.
#pragma once

#include "penstock/clock.hpp"
#include "penstock/refusal.hpp"

namespace penstock::gateway {

struct model_entry;
struct request_context;
struct request_state;

// The request's key may use this model, and it serves the request's route.
bool may_use(const request_state& c, const model_entry& model);

// A model is left that could take the request over: its client allows it, and so do its rights.
bool has_fallback(const request_state& c);

// The pass at the request's model ended with `why`. True: the request is the next fallback's now,
// as it would have come from *read*, and its reservation is given back; *limit* is next. False: it
// stays as it is.
bool pass_on(request_state& c, const refusal& why, time_point now);

// … of a request on a connection: what it held at the model is given back, and both are counted.
bool fall_back(request_context& c, const refusal& why);

// What the client is told when there is no other model: what the one that it named said, unless
// `last`, the end of the last pass, ends the request itself.
refusal told_at_last(request_context& c, refusal last);

}  // namespace penstock::gateway
