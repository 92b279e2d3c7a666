// The body of POST /v1/chat/completions, read whole and strictly: what comes out can be rendered.
#pragma once

#include "worker/api/answer_settings.hpp"

#include <boost/json.hpp>

#include <string_view>

namespace penstock::worker {

struct chat_request {
    answer_settings settings;
    // As chat templates want them: content is a string (parts joined), `developer` is `system`,
    // arguments of tool calls are objects where the template wants objects.
    boost::json::array messages;
    boost::json::array tools;             // as they came; empty with tool_choice none
    boost::json::object template_values;  // chat_template_kwargs
    bool add_generation_prompt = true;
};

// Errors: those of parse_body; missing_field, wrong_type, invalid_value, model_not_found, each with
// the field at fault.
stage_result<chat_request> read_chat_request(std::string_view body, const request_rules& rules);

// `messages`, `tools`, `tool_choice` and `chat_template_kwargs` alone, for /tokenize.
void read_conversation(field_reader& body, const request_rules& rules, chat_request& out);

}  // namespace penstock::worker
