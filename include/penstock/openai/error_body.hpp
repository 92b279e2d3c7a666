// Errors in the dialect of the route: OpenAI's envelope, or Anthropic's.
#pragma once

#include "penstock/openai/dialect.hpp"
#include "penstock/refusal.hpp"

#include <string>

namespace penstock::openai {

// `{"error":{"message","type","param","code"}}`, or `{"type":"error","error":{"type","message"}}`.
std::string error_body(dialect spoken, const refusal& why, std::string_view request_id);

// The same as the last event of a broken stream. No `[DONE]` follows.
std::string error_event(dialect spoken, const refusal& why, std::string_view request_id);

}  // namespace penstock::openai
