// Whether a request that a model has not served may go to another model in its place.
#include "policies/retry/fall_back.hpp"

#include <algorithm>
#include <array>

namespace penstock::retry {
namespace {

constexpr std::array leave_named_model{
    // longer than its largest context
    errc::context_length_exceeded,
    // down, or shedding
    errc::queue_full,
    errc::queue_timeout,
    errc::wait_too_long,
    errc::too_late,
    errc::displaced,
    errc::no_replica,
    errc::would_queue,
    // nobody was left to try after these
    errc::upstream_overloaded,
    errc::upstream_unreachable,
    errc::upstream_failed,
    errc::upstream_protocol,
    errc::upstream_broken,
    errc::upstream_timeout,
};

constexpr std::array ran_perhaps{
    errc::upstream_failed,
    errc::upstream_protocol,
    errc::upstream_broken,
    errc::upstream_timeout,
};

constexpr std::array end_request{
    errc::client_gone,
    errc::canceled,
    errc::draining,
    errc::deadline_spent,
    errc::internal,
};

bool contains(const auto& all, errc why) noexcept {
    return std::find(all.begin(), all.end(), why) != all.end();
}

}  // namespace

bool falls_back(const ended_pass& pass) noexcept {
    if (pass.answer_begun || pass.forbidden || pass.left <= duration::zero()) return false;
    return pass.is_fallback ? !ends_request(pass.why) : contains(leave_named_model, pass.why);
}

bool may_have_run(errc why) noexcept {
    return contains(ran_perhaps, why);
}

bool ends_request(errc why) noexcept {
    return contains(end_request, why);
}

}  // namespace penstock::retry
