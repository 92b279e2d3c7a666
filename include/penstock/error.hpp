// What can go wrong, once: every error code with its HTTP status, its names in the dialects that
// clients speak, and its metric label stand in the one table of error.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace penstock {

// Adding an error is one enumerator here and one row in base/error.cpp, in the same order.
enum class errc : std::uint8_t {
    // who is asking
    missing_api_key,
    invalid_api_key,
    model_not_allowed,
    route_not_allowed,
    // what is asked
    unknown_route,
    method_not_allowed,
    model_not_found,
    route_not_served,
    malformed_head,
    head_too_large,
    target_too_long,
    body_too_large,
    head_timeout,
    body_timeout,
    malformed_body,
    unsupported_encoding,
    invalid_json,
    json_too_deep,
    ambiguous_field,
    missing_field,
    wrong_type,
    invalid_value,
    over_cap,
    context_length_exceeded,
    expectation_failed,
    // what may be used
    rate_limited,
    // what can be served now
    queue_full,
    queue_timeout,
    deadline_spent,
    wait_too_long,
    too_late,
    displaced,
    no_replica,
    would_queue,
    draining,
    too_many_connections,
    out_of_body_memory,
    // what went wrong upstream
    upstream_overloaded,
    upstream_unreachable,
    upstream_failed,
    upstream_rejected,
    upstream_protocol,
    upstream_broken,
    upstream_timeout,
    // ourselves, and those who left
    internal,
    client_gone,
    // transport, never shown to a client as such
    end_of_stream,
    connection_reset,
    connection_refused,
    timed_out,
    canceled,
    name_not_resolved,
    tls_failed,
    io_failed,
    count_
};

inline constexpr std::size_t num_errcs = static_cast<std::size_t>(errc::count_);

// Whose doing it is. Decides what counts against an upstream.
enum class blame : std::uint8_t { client, gateway, upstream };

// Whether the same request may be tried elsewhere.
enum class again : std::uint8_t { never, if_unsent, yes };

struct error_row {
    errc code;
    int status;                       // HTTP status of the answer
    int litellm_status;               // the same under `compat.litellm_status: "1.81"`
    std::string_view openai_type;     // `error.type` on OpenAI routes
    std::string_view openai_code;     // `error.code` on OpenAI routes
    std::string_view anthropic_type;  // `error.type` on Anthropic routes
    std::string_view label;           // metric label and log reason; snake_case, stable
    blame who;
    again retry;
    bool client_may_retry;     // false adds `x-should-retry: false`
    std::string_view message;  // said to the client when nothing more exact is known
};

const error_row& describe(errc code) noexcept;

// An error of the machinery. `detail` is for the log only and never reaches a client.
struct error {
    errc code = errc::internal;
    blame who = blame::gateway;
    again retry = again::never;
    std::string detail;

    error() = default;
    error(errc code, std::string detail = {})
        : code(code),
          who(describe(code).who),
          retry(describe(code).retry),
          detail(std::move(detail)) {}
};

}  // namespace penstock
