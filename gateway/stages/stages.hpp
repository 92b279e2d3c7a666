// The stages of the path, in order. Each either leaves the context ready for the next or refuses.
#pragma once

#include "penstock/io/task.hpp"
#include "penstock/refusal.hpp"

namespace penstock::gateway {

struct request_context;

// Finds the route and who is asking, from the head alone, before the body is read.
stage_result<> authenticate(request_context& c);

// Reads the body, takes every fact of it in one scan, finds the model, estimates.
io::task<stage_result<>> read(request_context& c);

// May this key use this model; then reserves.
stage_result<> limit(request_context& c);

// Model → version → pools that may serve it.
stage_result<> steer(request_context& c);

// Waits for a permit of one replica.
io::task<stage_result<>> admit(request_context& c);

enum class after_forward {
    answered,     // an answer has begun: relay it
    admit_again,  // nothing has begun: place it elsewhere
    steer_again   // the engine says that its context is too small: the next pool
};
// One attempt: connects, sends the client's bytes with this attempt's edits, judges what comes
// first.
io::task<stage_result<after_forward>> forward(request_context& c);

// Bytes to the client, untouched, until the answer has ended on both sides.
io::task<stage_result<>> relay(request_context& c);

// Always, last, once: gives everything back, tells the policies, counts, writes the line.
void settle(request_context& c, const refusal* why);

}  // namespace penstock::gateway
