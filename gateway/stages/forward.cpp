// Attempts, and what becomes of one that failed: nothing is retried once an answer has begun.
#include "gateway/request_context.hpp"
#include "gateway/stages/attempt.hpp"
#include "gateway/stages/stages.hpp"
#include "gateway/stages/steer.hpp"

#include <algorithm>

namespace penstock::gateway {
namespace {

// What a client is told of an error of the transport.
refusal as_refusal(const attempt_failure& failure) {
    refusal r(failure.why);
    switch (failure.why.code) {
        case errc::timed_out:
            r.code = errc::upstream_timeout;
            break;
        case errc::connection_refused:
        case errc::name_not_resolved:
        case errc::tls_failed:
        case errc::io_failed:
            r.code = errc::upstream_unreachable;
            break;
        case errc::end_of_stream:
        case errc::connection_reset:
            r.code = errc::upstream_broken;
            break;
        case errc::canceled:
            r.code = errc::client_gone;
            break;
        default:
            break;
    }
    if (failure.retry_after > duration::zero())
        r.retry_after = std::chrono::ceil<std::chrono::milliseconds>(failure.retry_after);
    return r;
}

// The permit ends as the replica deserves it.
void end_permit(request_context& c, const attempt_failure& failure) {
    if (failure.engine_refused)
        return c.slot.end(event::engine_refused{failure.retry_after}, c.now());
    event::completed how{.end = ending::upstream_error, .streamed = c.work.streamed};
    if (failure.context_too_small || failure.why.code == errc::upstream_rejected ||
        failure.why.code == errc::upstream_overloaded)
        how.end = ending::refused;
    c.slot.end(how, c.now());
}

retry::action decide(const request_context& c, const attempt_failure& failure) {
    return retry::decide(
        {.code = failure.why.code,
         .retry = failure.why.retry,
         .request_written = failure.request_written,
         .response_begun = failure.response_begun,
         .answer_begun = false,
         .reused_connection = c.reused_connection,
         .engine_refused = failure.engine_refused},
        c.attempts
    );
}

// A first token that has come, or was waited for until now.
void note_lateness(const request_context& c, time_point now) {
    if (now > c.first_token_due) c.replica->where->was_late(now);
}

void tell_first_byte(request_context& c) {
    c.slot.tell(event::first_byte{}, c.record.first_byte);
    note_lateness(c, c.record.first_byte);
}

// Back to *admit* with this replica excluded.
after_forward place_elsewhere(request_context& c, const attempt_failure& failure) {
    c.thread.metrics.retried(c.model->name, describe(failure.why.code).label);
    if (!c.work.tried.contains(c.replica->index)) c.work.tried.push(c.replica->index);
    return after_forward::admit_again;
}

}  // namespace

io::task<stage_result<after_forward>> forward(request_context& c) {
    ++c.attempts.made;
    while (true) {
        ++c.record.attempts;
        auto tried = co_await attempt(c);
        c.upstream.set_deadline(never);
        if (tried.has_value()) {
            c.comments.stop();
            c.record.first_byte = c.now();
            if (c.is_event_stream) tell_first_byte(c);
            co_return after_forward::answered;
        }
        const attempt_failure failure = std::move(tried).error();
        c.upstream.close();
        if (failure.request_written && failure.why.code == errc::timed_out)
            note_lateness(c, c.now());
        CO_CHECK_NOW(c.goes_on());
        c.detail = failure.why.detail;

        if (failure.context_too_small) {
            end_permit(c, failure);
            if (c.resteered || !has_larger_pool(c)) co_return as_refusal(failure);
            c.resteered = true;
            co_return after_forward::steer_again;
        }
        retry::action next = decide(c, failure);
        if (next == retry::action::resend_fresh) {
            c.attempts.resent = true;
            c.fresh_connection = true;
            continue;
        }
        end_permit(c, failure);
        if (next == retry::action::try_again && !c.model->admission->may_retry(c.now()))
            next = retry::action::give_up;
        if (next == retry::action::give_up) co_return as_refusal(failure);
        if (next == retry::action::place_elsewhere) {
            c.attempts.placed_elsewhere = true;
            --c.attempts.made;
        }
        c.last_refusal = as_refusal(failure);
        co_return place_elsewhere(c, failure);
    }
}

}  // namespace penstock::gateway
