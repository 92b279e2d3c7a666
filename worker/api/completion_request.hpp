// The body of POST /v1/completions, read whole and strictly.
#pragma once

#include "worker/api/answer_settings.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace penstock::worker {

struct completion_request {
    using prompt = std::variant<std::string, std::vector<token_id>>;

    answer_settings settings;
    std::vector<prompt> prompts;  // at least one; no list of ids is empty
    // What follows the place that is to be filled in (FIM); with texts as prompts only.
    std::optional<std::string> suffix;
    bool add_special_tokens = true;
};

// Errors: as read_chat_request.
stage_result<completion_request> read_completion_request(
    std::string_view body, const request_rules& rules
);

}  // namespace penstock::worker
