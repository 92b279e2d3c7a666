// What to do after an attempt that brought no answer.
#include "policies/retry/decision.hpp"

namespace penstock::retry {
namespace {

bool connection_died(errc code) noexcept {
    return code == errc::end_of_stream || code == errc::connection_reset ||
           code == errc::io_failed || code == errc::upstream_broken ||
           code == errc::upstream_unreachable;
}

}  // namespace

action decide(const failed_attempt& failure, const attempts_so_far& so_far) noexcept {
    if (failure.answer_begun) return action::give_up;
    if (failure.engine_refused)
        return so_far.placed_elsewhere ? action::give_up : action::place_elsewhere;
    const bool went_stale = failure.reused_connection && !failure.response_begun;
    if (went_stale && connection_died(failure.code) && !so_far.resent) return action::resend_fresh;
    if (so_far.made >= so_far.max) return action::give_up;
    switch (failure.retry) {
        case again::never:
            return action::give_up;
        case again::if_unsent:
            return failure.request_written ? action::give_up : action::try_again;
        case again::yes:
            return action::try_again;
    }
    return action::give_up;
}

}  // namespace penstock::retry
