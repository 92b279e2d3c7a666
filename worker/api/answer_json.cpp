// Pieces of JSON that chats and completions share.
#include "worker/api/answer_json.hpp"

#include <charconv>
#include <cmath>

namespace penstock::worker {

void append_number(std::string& out, std::uint64_t value) {
    char text[24];
    out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

void append_logprob(std::string& out, float value) {
    constexpr float none = -9999;
    char text[32];
    const float said = std::isfinite(value) && value > none ? value : none;
    out.append(text, std::to_chars(text, text + sizeof text, said).ptr);
}

void append_names(std::string& out, const answer_names& names, std::string_view object) {
    out += R"({"id":)";
    append_json_string(out, names.id);
    out += R"(,"object":")";
    out += object;
    out += R"(","created":)";
    append_number(out, static_cast<std::uint64_t>(names.created));
    out += R"(,"model":)";
    append_json_string(out, names.model);
    out += R"(,"system_fingerprint":)";
    append_json_string(out, names.fingerprint);
}

void append_usage(std::string& out, const answer_usage& used) {
    out += R"("usage":{"prompt_tokens":)";
    append_number(out, used.prompt_tokens);
    out += R"(,"completion_tokens":)";
    append_number(out, used.output_tokens);
    out += R"(,"total_tokens":)";
    append_number(out, used.prompt_tokens + used.output_tokens);
    out += R"(,"prompt_tokens_details":{"cached_tokens":)";
    append_number(out, used.cached_tokens);
    out += "}}";
}

void append_finish(std::string& out, finish_reason why) {
    out += R"("finish_reason":)";
    if (why == finish_reason::none) {
        out += "null";
        return;
    }
    out += '"';
    out += text_of(why);
    out += '"';
}

}  // namespace penstock::worker
