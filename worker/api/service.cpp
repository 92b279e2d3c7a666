// How requests come in, find their handler and end.
#include "worker/api/service.hpp"

#include "penstock/observe/log.hpp"
#include "penstock/observe/trace_context.hpp"
#include "penstock/openai/error_body.hpp"
#include "worker/api/endpoints.hpp"

#include <algorithm>

namespace penstock::worker {
namespace {

constexpr auto spoken = openai::dialect::chat;

// The table of errors speaks for the gateway.
refusal in_our_words(refusal why) {
    if (!why.message.empty()) return why;
    switch (why.code) {
        case errc::draining:
            why.message = "This worker is shutting down.";
            break;
        case errc::internal:
            why.message = "Something went wrong in the worker.";
            break;
        case errc::out_of_body_memory:
            why.message = "This worker holds as many request bodies as it may.";
            break;
        default:
            break;
    }
    return why;
}

std::string refusal_headers(const request_scope& r, const refusal& why) {
    std::string lines = r.headers;
    lines += "Content-Type: application/json\r\n";
    const error_row& row = describe(why.code);
    if (row.status == 503) {
        const auto wait = std::max(
            why.retry_after.value_or(std::chrono::seconds(1)), std::chrono::milliseconds(1)
        );
        lines += "Retry-After: " + std::to_string((wait.count() + 999) / 1000) + "\r\n";
        lines += "retry-after-ms: " + std::to_string(wait.count()) + "\r\n";
    }
    if (row.status == 405) lines += "Allow: " + r.allowed + "\r\n";
    if (row.status == 415) lines += "Accept-Encoding: identity\r\n";  // RFC 9110 §15.5.16
    return lines;
}

// A compressed body would be refused as no JSON, which tells nobody why.
stage_result<> check_encoding(const http::request_head& head) {
    constexpr std::size_t shown = 64;
    if (head.framing == http::body_framing::none) return success();
    for (const http::header& each : head.headers) {
        if (!http::same_name(each.name, "content-encoding")) continue;
        if (each.value.empty() || http::same_name(each.value, "identity")) continue;
        return refusal(
            errc::unsupported_encoding,
            "The request's body has Content-Encoding '" + std::string(each.value.substr(0, shown)) +
                "'; only 'identity' is understood."
        );
    }
    return success();
}

}  // namespace

service::service(
    engine& running,
    const served_model& model,
    const service_options& options,
    const gate& serving,
    std::uint64_t random
)
    : engine_(running),
      model_(model),
      options_(options),
      serving_(serving),
      random_(random),
      texts_(options.text_threads, options.max_waiting_texts) {}

void service::cut_answers() noexcept {
    for (answering* each : answers_)
        each->cut();
}

io::task<stage_result<>> service::dispatch(request_scope& r) {
    auto found = find_endpoint(r.x.head().method, r.x.head().path, r.allowed);
    if (found.has_error()) {
        const bool is_known = found.error() == errc::method_not_allowed;
        co_return refusal(
            found.error(),
            is_known ? "This route takes " + r.allowed + "."
                     : std::string("There is no such route.")
        );
    }
    r.route = found.value().row->route;
    r.path_model = std::move(found.value().model);
    CO_CHECK_NOW(check_encoding(r.x.head()));
    auto handled = co_await found.value().row->handle(r);
    co_return std::move(handled);
}

io::task<void> service::handle(http::exchange& x) {
    request_scope r{.x = x, .host = *this};
    const std::string_view id = x.head().headers.find("x-request-id");
    if (observe::is_valid_request_id(id)) r.headers = "x-request-id: " + std::string(id) + "\r\n";
    std::optional<refusal> refused;
    try {
        auto handled = co_await dispatch(r);
        if (handled.has_error()) refused = std::move(handled).error();
    } catch (const std::exception& escaped) {
        observe::log::error("handler_exception", {{"route", r.route}, {"what", escaped.what()}});
        refused = refusal(errc::internal);
    }
    if (refused) co_await tell_client(r, in_our_words(std::move(*refused)));
    counts_.count(r.route, r.status);
}

io::task<void> service::refuse(http::exchange& x, refusal why) {
    request_scope r{.x = x, .host = *this};
    co_await tell_client(r, in_our_words(std::move(why)));
    counts_.count(r.route, r.status);
}

// An answer of its own, or the last event of a stream that has begun.
io::task<void> service::tell_client(request_scope& r, const refusal& why) {
    r.status = describe(why.code).status;
    if (why.code == errc::client_gone || r.x.has_finished()) co_return;
    if (!r.x.has_sent_head()) {
        const std::string headers = refusal_headers(r, why);
        const std::string body = openai::error_body(spoken, why, {});
        co_await r.x.respond(r.status, headers, body);
        co_return;
    }
    if (!r.is_stream) co_return r.x.abort();
    const std::string event = openai::error_event(spoken, why, {});
    const std::string_view piece = event;
    auto sent = r.x.write_now({&piece, 1}, true);
    if (sent.has_value() && !sent.value()) co_await r.x.drain();
}

io::task<stage_result<>> request_scope::respond(
    int code, std::string_view type, std::string_view body
) {
    status = code;
    std::string lines = headers;
    lines += "Content-Type: ";
    lines += type;
    lines += "\r\n";
    auto sent = co_await x.respond(code, lines, body);
    if (sent.has_error()) co_return refusal(errc::client_gone);
    co_return success();
}

io::task<bool> run_text_work(request_scope& r, std::function<void()> work) {
    if (r.x.body().size() <= r.host.options().in_place_bytes) {
        work();
        co_return true;
    }
    // An exception on a thread of the pool would end the process.
    std::exception_ptr escaped;
    auto guarded = [&work, &escaped] {
        try {
            work();
        } catch (...) {
            escaped = std::current_exception();
        }
    };
    const bool ran = co_await r.host.texts().run(r.x.home(), guarded);
    if (escaped) std::rethrow_exception(escaped);
    co_return ran;
}

}  // namespace penstock::worker
