// A request's context: who is told when the client leaves.
#include "gateway/request_context.hpp"

namespace penstock::gateway {

request_context::request_context(http::exchange& x, thread_state& thread)
    : x(x), thread(thread), settings(thread.settings), waiting(thread.loop), comments(*this) {
    record.arrived = now();
    record.arrived_unix_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                                 std::chrono::system_clock::now().time_since_epoch()
    )
                                 .count();
    const std::string_view said = x.head().headers.find("x-request-id");
    request_id = observe::is_valid_request_id(said) ? said : thread.ids.next().view();
    const auto trace = observe::parse_traceparent(x.head().headers.find("traceparent"));
    if (trace) trace_id = trace->trace_id;
    attempts.max = settings->settings.retry.attempts;
    next_request = thread.first_request;
    request_link = &thread.first_request;
    if (next_request) next_request->request_link = &next_request;
    thread.first_request = this;
}

request_context::~request_context() {
    *request_link = next_request;
    if (next_request) next_request->request_link = request_link;
    x.watch(nullptr);
}

void request_context::on_departure() noexcept {
    client_left = true;
    if (waiting.is_waiting()) model->admission->cancel(waiting, now());
    upstream.close();
    x.abort();
}

stage_result<> request_context::goes_on() const {
    if (client_left) return refusal(errc::client_gone);
    if (was_cut) return refusal(errc::draining);
    return success();
}

void request_context::cut() noexcept {
    was_cut = true;
    if (waiting.is_waiting()) model->admission->cancel(waiting, now());
    upstream.close();
}

}  // namespace penstock::gateway
