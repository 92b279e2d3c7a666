// The stages of the path, in order. Each either leaves the context ready for the next or refuses.
// Those that only decide take the request's state, and decide the same of one that is asked about.
#pragma once

#include "penstock/clock.hpp"
#include "penstock/io/task.hpp"
#include "penstock/refusal.hpp"

#include <string_view>

namespace penstock::gateway {

struct model_entry;
struct request_context;
struct request_state;

// Finds the route and who is asking, from the head alone, before the body is read.
stage_result<> authenticate(request_state& c);

// Reads the body and takes the facts of it.
io::task<stage_result<>> read(request_context& c);
// Takes every fact of the body in one scan, finds the model, estimates.
stage_result<> take_facts(request_state& c, std::string_view body);

// The request is this model's from now on: estimates, and makes its work anew.
void take_model(request_state& c, const model_entry& model);

// May this key use this model; then reserves.
stage_result<> limit(request_state& c, time_point now);

// Model → version → pools that may serve it.
stage_result<> steer(request_state& c);

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
