// The headers of answers: the upstream's own lines as they came, and ours (DESIGN §9.14).
#pragma once

#include "penstock/refusal.hpp"

#include <string>

namespace penstock::gateway {

struct request_context;
struct snapshot;

// Whole lines, each ending in CRLF. Of a relayed answer: the upstream's end-to-end lines, then
// ours.
std::string relayed_head(const request_context& c);
// Of an event stream that starts before the upstream has answered.
std::string event_stream_head(const request_context& c);
// The status of a refusal that comes before an answer has begun.
int refusal_status(const snapshot& settings, errc code);
// Of a refusal: content type, Retry-After, x-should-retry.
std::string refusal_head(const request_context& c, const refusal& why);
// Of what the gateway answers itself.
std::string local_head(const request_context& c, std::string_view content_type);

}  // namespace penstock::gateway
