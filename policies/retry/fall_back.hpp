// Whether a request that a model has not served may go to another model in its place.
#pragma once

#include "penstock/clock.hpp"
#include "penstock/error.hpp"

namespace penstock::retry {

// How a request's pass at one model ended without an answer.
struct ended_pass {
    errc why = errc::no_replica;  // what its client would be told
    bool is_fallback = false;     // the model was a fallback itself; false: the client named it
    bool answer_begun = false;    // as failed_attempt says it
    bool forbidden = false;       // the client takes no other model than the one it named
    duration left{};              // until the request's own deadline
};

// The named model is left when it is down or sheds, or when the request is longer than its largest
// context: what other clients would meet there, too. What the client did wrong, may not do or has
// used up is its own, and so is a mistake of the settings that a fallback would only hide. A
// fallback is left for any reason but one that ends the request itself. Nothing is left once an
// answer has begun, nor when no time is left.
bool falls_back(const ended_pass& pass) noexcept;

// An engine may have worked on the request: to have another do so again is a retry, and costs one
// of the model's budget.
bool may_have_run(errc why) noexcept;

// The reason is the request's and not the model's: whatever was tried before, it is what the client
// is told.
bool ends_request(errc why) noexcept;

}  // namespace penstock::retry
