// A request's context: who is told when the client leaves.
#include "gateway/request_context.hpp"

namespace penstock::gateway {

request_context::request_context(http::exchange& x, thread_state& thread)
    : request_state(thread.process, thread.settings, x.head(), x.is_admin(), io::loop::exact_now()),
      x(x),
      thread(thread),
      waiting(thread.loop),
      comments(*this) {
    record.arrived_unix_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                                 std::chrono::system_clock::now().time_since_epoch()
    )
                                 .count();
    if (request_id.empty()) request_id = thread.ids.next().view();
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
