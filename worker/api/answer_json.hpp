// Pieces of JSON that chats and completions share.
#pragma once

#include "base/observe/json_text.hpp"
#include "worker/api/answer_writer.hpp"

#include <string>
#include <string_view>

namespace penstock::worker {

using observe::append_json_string;

void append_number(std::string& out, std::uint64_t value);
// Minus infinity, which JSON has no word for, is -9999, as at OpenAI.
void append_logprob(std::string& out, float value);
// `{"id":…,"object":…,"created":…,"model":…,"system_fingerprint":…`: the object stays open.
void append_names(std::string& out, const answer_names& names, std::string_view object);
// `"usage":{…}`.
void append_usage(std::string& out, const answer_usage& used);
// `"finish_reason":"stop"` or null.
void append_finish(std::string& out, finish_reason why);

}  // namespace penstock::worker
