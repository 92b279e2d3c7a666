// Refusing from the head alone, and what a client is told of admission's refusals.
#pragma once

#include "penstock/contracts/admission.hpp"
#include "penstock/refusal.hpp"

namespace penstock::gateway {

struct request_state;

// Refuses when every pool that the request may come to sheds its class, whatever its size: those of
// the model that the path or `x-penstock-model` names and of its fallbacks, else those of all
// models that the key may use on this route. Where nobody sheds that is known after one relaxed
// load.
stage_result<> shed(request_state& c);

refusal as_refusal(const refused& why);

}  // namespace penstock::gateway
