// A request's body to what the engine is asked: parsed, rendered, encoded, measured. Pure; takes
// time in the size of the body, so long ones are prepared beside the loop (text_pool.hpp).
#pragma once

#include "worker/api/answer_settings.hpp"
#include "worker/api/chat_request.hpp"
#include "worker/api/served_model.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::worker {

struct prepared_prompt {
    std::vector<token_id> tokens;
    std::uint32_t max_tokens = 0;  // that its answers may have
};

struct prepared_request {
    answer_settings settings;
    std::vector<prepared_prompt> prompts;
    bool is_chat = false;
    bool tool_calls = false;  // tools were given
    std::string prompt_tail;  // of a chat, the template's own last bytes
};

// Errors: those of reading; invalid_value when the template refuses the conversation or the model
// has none; context_length_exceeded, naming the field.
stage_result<prepared_request> prepare_chat(std::string_view body, const served_model& model);
stage_result<prepared_request> prepare_completion(std::string_view body, const served_model& model);

// The developer's own text: special tokens in it are read, as vLLM does and as Continue and other
// editors need that write a model's template themselves. Who passes on what a user typed uses
// /v1/chat/completions, where a user's "<|im_end|>" stays text.
std::vector<token_id> encode_raw(
    std::string_view text, bool add_special_tokens, const tokenizer& tokens
);

// The prompt of a conversation. `tail` may be null.
stage_result<std::vector<token_id>> encode_conversation(
    const chat_request& request, const served_model& model, std::string* tail
);

}  // namespace penstock::worker
