// THE PATH: eight stages, in order. Whatever happens, a request leaves through `settle`, once.
#include "gateway/request_path.hpp"

#include "gateway/request_context.hpp"
#include "gateway/stages/answer_head.hpp"
#include "gateway/stages/fall_back.hpp"
#include "gateway/stages/stages.hpp"
#include "penstock/openai/error_body.hpp"

namespace penstock::gateway {
namespace {

// At one model, until an answer has begun.
io::task<stage_result<>> pass(request_context& c) {
    CO_CHECK_NOW(limit(c, c.now()));
    CO_CHECK_NOW(steer(c));
    while (true) {
        CO_CHECK(admit(c));
        CO_TRY(const after_forward next, forward(c));
        if (next == after_forward::answered) co_return success();
        if (next == after_forward::steer_again) {
            CO_CHECK_NOW(steer(c));
        }
    }
}

io::task<stage_result<>> stages_after_authenticate(request_context& c) {
    CO_CHECK(read(c));
    auto begun = co_await pass(c);
    while (begun.has_error() && fall_back(c, begun.error()))
        begun = co_await pass(c);
    if (begun.has_error()) co_return told_at_last(c, std::move(begun).error());
    CO_CHECK(relay(c));
    co_return success();
}

// A refusal as the client's dialect says it: an answer, or the last event of a stream that has
// begun.
io::task<void> tell_client(request_context& c, const refusal& why) {
    c.comments.stop();
    if (c.client_left || c.x.has_finished()) co_return;
    const auto spoken = c.route ? c.route->spoken : dialect_of_path(c.x.head().path);
    if (!c.x.has_started()) {
        c.record.status = refusal_status(*c.settings, why.code);
        const std::string head = refusal_head(c, why);
        const std::string body = openai::error_body(spoken, why, c.request_id);
        co_await c.x.respond(c.record.status, head, body);
        co_return;
    }
    if (!c.is_event_stream) co_return c.x.abort();
    // A torn event is ended first, so that the error stands on lines of its own.
    const std::string event =
        (c.inside_event ? "\n\n" : "") + openai::error_event(spoken, why, c.request_id);
    const std::string_view piece = event;
    auto sent = c.x.write_now({&piece, 1}, true);
    if (sent.has_value() && !sent.value()) co_await c.x.drain();
}

io::task<void> answer_locally(request_context& c) {
    const local_answer answer = co_await c.route->local(c);
    const std::string head = local_head(c, answer.content_type);
    c.record.status = answer.status;
    c.end = ending::served;
    co_await c.x.respond(answer.status, head, answer.body);
}

}  // namespace

io::task<void> run_request(http::exchange& x, thread_state& thread) {
    request_context c(x, thread);
    std::optional<refusal> refused;
    try {
        auto known = authenticate(c);
        if (known.has_error()) {
            refused = std::move(known).error();
        } else if (c.route->local) {
            co_await answer_locally(c);
        } else {
            auto done = co_await stages_after_authenticate(c);
            if (done.has_error()) refused = std::move(done).error();
        }
    } catch (const std::exception& escaped) {
        thread.metrics.handler_exception();
        refused = refusal(errc::internal);
        refused->detail = escaped.what();
    }
    if (refused) co_await tell_client(c, *refused);
    settle(c, refused ? &*refused : nullptr);
}

io::task<void> refuse_head(http::exchange& x, thread_state& thread, refusal why) {
    request_context c(x, thread);
    co_await tell_client(c, why);
    settle(c, &why);
}

}  // namespace penstock::gateway
