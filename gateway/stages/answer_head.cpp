// The headers of answers.
#include "gateway/stages/answer_head.hpp"

#include "gateway/request_context.hpp"

#include <algorithm>
#include <charconv>

namespace penstock::gateway {
namespace {

// Grows once and not four times: an answer has six of these.
void add(std::string& out, std::string_view name, std::string_view value) {
    constexpr std::string_view colon = ": ", end = "\r\n";
    const std::size_t before = out.size();
    out.resize(before + name.size() + colon.size() + value.size() + end.size());
    auto at = out.begin() + static_cast<std::ptrdiff_t>(before);
    for (const std::string_view each : {name, colon, value, end})
        at = std::copy(each.begin(), each.end(), at);
}

void add(std::string& out, std::string_view name, std::int64_t value) {
    char text[24];
    add(out, name, std::string_view(text, std::to_chars(text, text + sizeof text, value).ptr));
}

std::int64_t milliseconds(duration d) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}

bool shows_own(const request_context& c) {
    return c.settings->settings.expose_headers != settings::expose_headers::none;
}

void add_own(std::string& out, const request_context& c) {
    add(out, "x-request-id", c.request_id);
    if (!shows_own(c)) return;
    const auto& r = c.record;
    if (!r.fell_back_to.empty()) add(out, "x-penstock-model", r.fell_back_to);
    if (!r.pool.empty()) add(out, "x-penstock-pool", r.pool);
    if (!r.version.empty()) add(out, "x-penstock-version", r.version);
    if (!r.replica.empty()) add(out, "x-penstock-replica", r.replica);
    if (r.attempts > 0) {
        add(out, "x-penstock-attempts", r.attempts);
        add(out, "x-penstock-queue-ms", milliseconds(r.queue_wait));
    }
    if (c.has_class)
        add(out, "x-penstock-class", r.klass == request_class::bulk ? "bulk" : "realtime");
    if (c.cap.what == length::cap_choice::what::clamp)
        add(out, "x-penstock-max-tokens", c.cap.limit);
}

}  // namespace

std::string relayed_head(const request_context& c) {
    std::string out;
    out.reserve(512);
    http::append_end_to_end_headers(c.answer->head().headers, "x-penstock-", {"x-request-id"}, out);
    add_own(out, c);
    return out;
}

std::string event_stream_head(const request_context& c) {
    std::string out =
        "Content-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n";
    add_own(out, c);
    return out;
}

int refusal_status(const snapshot& s, errc code) {
    const auto& row = describe(code);
    const bool as_litellm = s.settings.compat.litellm_status == settings::litellm_status::v1_81;
    return as_litellm ? row.litellm_status : row.status;
}

std::string refusal_head(const request_context& c, const refusal& why) {
    std::string out = "Content-Type: application/json\r\n";
    const error_row& row = describe(why.code);
    const int status = row.status;
    if (status == 503 || status == 429) {
        const auto wait = std::max(
            why.retry_after.value_or(std::chrono::seconds(1)), std::chrono::milliseconds(1)
        );
        add(out, "Retry-After", (wait.count() + 999) / 1000);
        add(out, "retry-after-ms", wait.count());
    }
    if (!row.client_may_retry && status >= 429) add(out, "x-should-retry", "false");
    if (status == 401) add(out, "WWW-Authenticate", "Bearer");
    if (status == 405) add(out, "Allow", c.allowed_methods);
    add_own(out, c);
    if (!shows_own(c)) return out;
    if (status == 503) add(out, "x-penstock-shed-reason", row.label);
    if (why.predicted_wait) add(out, "x-penstock-predicted-wait-ms", why.predicted_wait->count());
    return out;
}

std::string local_head(const request_context& c, std::string_view content_type) {
    std::string out;
    add(out, "Content-Type", content_type);
    add(out, "x-request-id", c.request_id);
    return out;
}

}  // namespace penstock::gateway
