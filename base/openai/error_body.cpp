// Error bodies and error events, written by hand: three strings and two shapes.
#include "penstock/openai/error_body.hpp"

#include "json_text.hpp"

namespace penstock::openai {
namespace {

std::string_view message_of(const refusal& why) noexcept {
    return why.message.empty() ? describe(why.code).message : std::string_view(why.message);
}

void add(std::string& out, std::string_view key, std::string_view value) {
    out += key;
    append_json_string(out, value);
}

void add_or_null(std::string& out, std::string_view key, std::string_view value) {
    if (!value.empty()) return add(out, key, value);
    out += key;
    out += "null";
}

std::string anthropic_body(const refusal& why, std::string_view request_id) {
    std::string body;
    add(body, R"({"type":"error","error":{"type":)", describe(why.code).anthropic_type);
    add(body, R"(,"message":)", message_of(why));
    body += '}';
    if (!request_id.empty()) add(body, R"(,"request_id":)", request_id);
    body += '}';
    return body;
}

std::string openai_body(const refusal& why) {
    std::string body;
    add(body, R"({"error":{"message":)", message_of(why));
    add(body, R"(,"type":)", describe(why.code).openai_type);
    add_or_null(body, R"(,"param":)", why.param);
    add(body, R"(,"code":)", describe(why.code).openai_code);
    body += "}}";
    return body;
}

// Responses: an event of its own type. The SDKs want a sequence number, and ours is not known.
std::string responses_event(const refusal& why) {
    std::string body;
    add(body, R"({"type":"error","code":)", describe(why.code).openai_code);
    add(body, R"(,"message":)", message_of(why));
    add_or_null(body, R"(,"param":)", why.param);
    body += R"(,"sequence_number":0})";
    return body;
}

}  // namespace

std::string error_body(dialect spoken, const refusal& why, std::string_view request_id) {
    return spoken == dialect::messages ? anthropic_body(why, request_id) : openai_body(why);
}

std::string error_event(dialect spoken, const refusal& why, std::string_view request_id) {
    switch (spoken) {
        case dialect::messages:
            return "event: error\ndata: " + anthropic_body(why, request_id) + "\n\n";
        case dialect::responses:
            return "event: error\ndata: " + responses_event(why) + "\n\n";
        default:
            return "data: " + openai_body(why) + "\n\n";
    }
}

}  // namespace penstock::openai
