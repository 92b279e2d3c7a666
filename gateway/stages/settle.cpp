// Always, last, once.
#include "gateway/request_context.hpp"
#include "gateway/stages/stages.hpp"

namespace penstock::gateway {
namespace {

constexpr int client_closed_request = 499;

ending ending_of(const refusal& why) {
    if (why.code == errc::client_gone) return ending::client_gone;
    if (why.code == errc::queue_timeout || why.code == errc::deadline_spent ||
        why.code == errc::too_late)
        return ending::expired;
    return describe(why.code).who == blame::upstream ? ending::upstream_error : ending::refused;
}

cost cost_of(const request_context& c) {
    if (!c.reserved.was_dispatched()) return {0, 0, 0, 0};
    return {1, c.used.prompt + c.used.output, 0, 0};
}

}  // namespace

void settle(request_context& c, const refusal* why) {
    c.comments.stop();
    c.x.watch(nullptr);
    auto& r = c.record;
    if (why) {
        c.end = ending_of(*why);
        r.reason = describe(why->code).label;
        if (c.detail.empty()) c.detail = why->detail;
        if (r.status == 0 || c.end == ending::client_gone) r.status = client_closed_request;
        if (!c.used.known && c.reserved.was_dispatched() && c.end == ending::client_gone) {
            c.used.estimated = true;
            c.used.prompt = std::max<std::uint64_t>(c.used.prompt, c.work.prompt_tokens);
        }
    }
    c.upstream.close();
    r.last_byte = c.now();
    const event::completed how{.used = c.used, .end = c.end, .streamed = c.work.streamed};
    c.slot.end(how, r.last_byte);
    if (c.steered_to)
        c.thread.process.learned.teach(
            c.asker, c.facts, c.steered_to->context, c.used, c.end, r.last_byte
        );
    c.reserved.settle(cost_of(c), r.last_byte);

    r.request_id = c.request_id;
    r.trace_id = c.trace_id;
    if (!c.left.empty()) c.detail = c.detail.empty() ? c.left : c.left + "; " + c.detail;
    r.detail = c.detail;
    r.used = c.used;
    r.end = c.end;
    r.bytes_out = c.x.bytes_out();
    c.thread.metrics.finished(r);
    // Probes and scrapes that were answered would drown the rest.
    const bool is_routine = c.route && c.route->local && !why;
    if (c.thread.log && !is_routine) c.thread.log->write(r);
}

}  // namespace penstock::gateway
