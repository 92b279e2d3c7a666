// What to do after an attempt that brought no answer.
#pragma once

#include "penstock/error.hpp"

namespace penstock::retry {

enum class action : std::uint8_t {
    give_up,
    resend_fresh,     // same replica, fresh connection; outside the budget, not a failure
    place_elsewhere,  // another replica; outside the budget, not a failure of this one
    try_again,        // another replica, if the budget allows; a failure of this one
};

struct failed_attempt {
    errc code = errc::upstream_failed;
    again retry = again::never;    // of the error
    bool request_written = false;  // any byte of it
    bool response_begun = false;   // any byte of one arrived
    bool answer_begun = false;     // DESIGN: an event that is no error, or an unstreamed 2xx head
    bool reused_connection = false;
    bool engine_refused = false;  // the replica said 429 or 503
};

struct attempts_so_far {
    std::uint32_t made = 1;  // placements that count, this one included
    std::uint32_t max = 2;
    bool resent = false;            // a resend_fresh was done for this request
    bool placed_elsewhere = false;  // a place_elsewhere was done for it
};

// Once an answer has begun nothing is retried. A reused connection that died before any byte of a
// response was closed by a server that had tired of it: the request is resent once. A busy engine
// is left alone once. All else follows the error's own word and the number of attempts.
action decide(const failed_attempt& failure, const attempts_so_far& so_far) noexcept;

}  // namespace penstock::retry
