// The one error table. Rows stand in the order of `errc`; a test holds both against each other.
#include "penstock/error.hpp"

#include <array>

namespace penstock {
namespace {

constexpr auto client = blame::client;
constexpr auto gateway = blame::gateway;
constexpr auto upstream = blame::upstream;
constexpr auto no = again::never;
constexpr auto unsent = again::if_unsent;
constexpr auto yes = again::yes;

constexpr std::string_view bad = "invalid_request_error";
constexpr std::string_view api = "api_error";

// clang-format off
//   code, status, LiteLLM 1.81, OpenAI type, OpenAI code, Anthropic type, label, blame, again, client may retry, message
constexpr std::array<error_row, num_errcs> table{{
    {errc::missing_api_key, 401, 401, "authentication_error", "missing_api_key", "authentication_error", "missing_api_key", client, no, false, "No API key was given: send it as 'Authorization: Bearer', 'x-api-key' or 'api-key'."},
    {errc::invalid_api_key, 401, 401, "authentication_error", "invalid_api_key", "authentication_error", "invalid_api_key", client, no, false, "The API key is not known here."},
    {errc::model_not_allowed, 403, 401, "permission_error", "model_not_allowed", "permission_error", "model_not_allowed", client, no, false, "This key may not use this model."},
    {errc::route_not_allowed, 403, 403, "permission_error", "route_not_allowed", "permission_error", "route_not_allowed", client, no, false, "This key may not use this route."},
    {errc::unknown_route, 404, 404, bad, "unknown_route", "not_found_error", "unknown_route", client, no, false, "There is no such route."},
    {errc::method_not_allowed, 405, 405, bad, "method_not_allowed", bad, "method_not_allowed", client, no, false, "This route does not take this method."},
    {errc::model_not_found, 404, 400, bad, "model_not_found", "not_found_error", "model_not_found", client, no, false, "There is no such model here; GET /v1/models lists those that there are."},
    {errc::route_not_served, 404, 404, bad, "route_not_served", "not_found_error", "route_not_served", client, no, false, "This model does not serve this route."},
    {errc::malformed_head, 400, 400, bad, "malformed_request", bad, "malformed_head", client, no, false, "The request is not well-formed HTTP/1.1."},
    {errc::head_too_large, 431, 431, bad, "head_too_large", bad, "head_too_large", client, no, false, "The request's headers are too large."},
    {errc::target_too_long, 414, 414, bad, "target_too_long", bad, "target_too_long", client, no, false, "The request's URL is too long."},
    {errc::body_too_large, 413, 413, bad, "body_too_large", "request_too_large", "body_too_large", client, no, false, "The request's body is too large."},
    {errc::head_timeout, 408, 408, bad, "request_timeout", bad, "head_timeout", client, no, true, "The request's head did not arrive in time."},
    {errc::body_timeout, 408, 408, bad, "request_timeout", bad, "body_timeout", client, no, true, "The request's body did not arrive in time."},
    {errc::malformed_body, 400, 400, bad, "malformed_body", bad, "malformed_body", client, no, false, "The request's body is not well-formed."},
    {errc::unsupported_encoding, 415, 415, bad, "unsupported_content_encoding", bad, "unsupported_encoding", client, no, false, "The request's body is encoded; only 'Content-Encoding: identity' is understood."},
    {errc::invalid_json, 400, 400, bad, "invalid_json", bad, "invalid_json", client, no, false, "The request's body is not valid JSON."},
    {errc::json_too_deep, 400, 400, bad, "json_too_deep", bad, "json_too_deep", client, no, false, "The request's JSON is nested too deeply."},
    {errc::ambiguous_field, 400, 400, bad, "ambiguous_field", bad, "ambiguous_field", client, no, false, "A field is given twice or its name is escaped, so that two parsers could read two requests."},
    {errc::missing_field, 400, 400, bad, "missing_required_parameter", bad, "missing_field", client, no, false, "A required field is missing."},
    {errc::wrong_type, 400, 400, bad, "invalid_type", bad, "wrong_type", client, no, false, "A field has the wrong type."},
    {errc::invalid_value, 400, 400, bad, "invalid_value", bad, "invalid_value", client, no, false, "A field has a value that cannot be used."},
    {errc::over_cap, 400, 400, bad, "max_tokens_over_cap", bad, "over_cap", client, no, false, "max_tokens is above what this model allows."},
    {errc::context_length_exceeded, 400, 400, bad, "context_length_exceeded", bad, "context_length_exceeded", client, no, false, "The request is longer than the largest context of this model."},
    {errc::expectation_failed, 417, 417, bad, "expectation_failed", bad, "expectation_failed", client, no, false, "Only 'Expect: 100-continue' is understood."},
    {errc::rate_limited, 429, 429, "rate_limit_error", "rate_limit_exceeded", "rate_limit_error", "rate_limited", client, no, true, "A limit of this key is used up."},
    {errc::queue_full, 503, 503, "overloaded_error", "queue_full", "overloaded_error", "queue_full", gateway, no, true, "The model is busy and its queue is full."},
    {errc::queue_timeout, 503, 503, "overloaded_error", "queue_timeout", "overloaded_error", "queue_timeout", gateway, no, true, "The model is busy: the request could not start in time."},
    {errc::deadline_spent, 503, 503, "overloaded_error", "deadline_spent", "overloaded_error", "deadline_spent", gateway, no, false, "The request's own deadline passed before it could start."},
    {errc::wait_too_long, 503, 503, "overloaded_error", "wait_too_long", "overloaded_error", "wait_too_long", gateway, no, true, "The model is busy: this request would have to wait for longer than it may."},
    {errc::too_late, 503, 503, "overloaded_error", "too_late", "overloaded_error", "too_late", gateway, no, true, "The model is busy: after its wait this request can no longer begin in time."},
    {errc::displaced, 503, 503, "overloaded_error", "displaced", "overloaded_error", "displaced", gateway, no, false, "The model is busy: a newer request took this one's place in the queue."},
    {errc::no_replica, 503, 503, "overloaded_error", "no_replica", "overloaded_error", "no_replica", gateway, no, true, "No replica of this model is available now."},
    {errc::would_queue, 503, 503, "overloaded_error", "would_queue", "overloaded_error", "would_queue", gateway, no, true, "The model is busy, and the request asked not to wait."},
    {errc::draining, 503, 503, "overloaded_error", "draining", "overloaded_error", "draining", gateway, no, true, "This gateway is shutting down."},
    {errc::too_many_connections, 503, 503, "overloaded_error", "too_many_connections", "overloaded_error", "too_many_connections", gateway, no, true, "This gateway has no connection left."},
    {errc::out_of_body_memory, 503, 503, "overloaded_error", "out_of_body_memory", "overloaded_error", "out_of_body_memory", gateway, no, true, "This gateway holds as many request bodies as it may."},
    {errc::upstream_overloaded, 503, 503, "overloaded_error", "upstream_overloaded", "overloaded_error", "upstream_overloaded", upstream, yes, true, "The model's replicas are overloaded."},
    {errc::upstream_unreachable, 502, 500, api, "upstream_unreachable", api, "upstream_unreachable", upstream, yes, true, "The model's replica could not be reached."},
    {errc::upstream_failed, 502, 500, api, "upstream_failed", api, "upstream_failed", upstream, yes, true, "The model's replica failed."},
    {errc::upstream_rejected, 502, 500, api, "upstream_rejected", api, "upstream_rejected", upstream, no, false, "The model's replica refused the gateway's request."},
    {errc::upstream_protocol, 502, 500, api, "upstream_protocol", api, "upstream_protocol", upstream, yes, true, "The model's replica did not answer in well-formed HTTP."},
    {errc::upstream_broken, 502, 500, api, "upstream_broken", api, "upstream_broken", upstream, no, true, "The model's answer broke off."},
    {errc::upstream_timeout, 504, 408, "timeout_error", "upstream_timeout", "timeout_error", "upstream_timeout", upstream, unsent, true, "The model's replica did not answer in time."},
    {errc::internal, 500, 500, api, "internal_error", api, "internal", gateway, no, true, "Something went wrong in the gateway."},
    {errc::client_gone, 499, 499, bad, "client_gone", bad, "client_gone", client, no, true, "The client has left."},
    {errc::end_of_stream, 502, 500, api, "upstream_broken", api, "end_of_stream", upstream, yes, true, ""},
    {errc::connection_reset, 502, 500, api, "upstream_broken", api, "connection_reset", upstream, yes, true, ""},
    {errc::connection_refused, 502, 500, api, "upstream_unreachable", api, "connection_refused", upstream, yes, true, ""},
    {errc::timed_out, 504, 408, "timeout_error", "upstream_timeout", "timeout_error", "timed_out", upstream, unsent, true, ""},
    {errc::canceled, 499, 499, api, "canceled", api, "canceled", gateway, no, true, ""},
    {errc::name_not_resolved, 502, 500, api, "upstream_unreachable", api, "name_not_resolved", upstream, yes, true, ""},
    {errc::tls_failed, 502, 500, api, "upstream_unreachable", api, "tls_failed", upstream, yes, true, ""},
    {errc::io_failed, 502, 500, api, "upstream_unreachable", api, "io_failed", upstream, yes, true, ""},
}};
// clang-format on

constexpr bool in_order() {
    for (std::size_t i = 0; i < table.size(); ++i)
        if (static_cast<std::size_t>(table[i].code) != i) return false;
    return true;
}
static_assert(in_order());

}  // namespace

const error_row& describe(errc code) noexcept {
    return table[static_cast<std::size_t>(code)];
}

}  // namespace penstock
