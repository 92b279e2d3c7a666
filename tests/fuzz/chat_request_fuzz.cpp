// Any body of a chat or a completion request is read or refused, and what is read keeps its
// promises. The first byte chooses the route and how the template wants arguments.
#include "fuzz/property.hpp"
#include "worker/api/chat_request.hpp"
#include "worker/api/completion_request.hpp"

#include <algorithm>
#include <string>

namespace penstock::worker {
namespace {

namespace json = boost::json;

request_rules rules_of(bool argument_objects) {
    request_rules rules;
    rules.model = "m";
    rules.vocabulary = 1000;
    rules.max_positions = 4096;
    rules.stop_ids = {2, 7};
    rules.argument_objects = argument_objects;
    return rules;
}

bool is_id(token_id id) {
    return id >= 0 && id < 1000;
}

void check_settings(const answer_settings& read, const request_rules& rules) {
    const auto& s = read.sampling;
    ALWAYS(s.temperature >= 0 && s.temperature <= 2);
    ALWAYS(s.top_p > 0 && s.top_p <= 1);
    ALWAYS(s.min_p >= 0 && s.min_p <= 1);
    ALWAYS(s.repetition_penalty > 0);
    ALWAYS(read.num_choices >= 1 && read.num_choices <= rules.most.max_choices);
    ALWAYS(read.stops.size() <= rules.most.max_stops);
    for (const auto& stop : read.stops)
        ALWAYS(!stop.empty() && stop.size() <= rules.most.max_stop_bytes);
    ALWAYS(std::is_sorted(read.stop_ids.begin(), read.stop_ids.end()));
    for (const token_id id : read.stop_ids)
        ALWAYS(is_id(id));
    for (std::size_t i = 0; i < read.bias.size(); ++i) {
        ALWAYS(is_id(read.bias[i].id));
        for (std::size_t j = 0; j < i; ++j)
            ALWAYS(read.bias[i].id != read.bias[j].id);
    }
    if (read.max_tokens) ALWAYS(*read.max_tokens >= read.min_tokens && *read.max_tokens > 0);
    ALWAYS(read.top_logprobs <= 20);
    if (read.include_usage) ALWAYS(read.stream);
}

void check_refusal(const refusal& why) {
    ALWAYS(describe(why.code).status == 400 || describe(why.code).status == 404);
}

void check_chat(std::string_view body, const request_rules& rules) {
    const auto read = read_chat_request(body, rules);
    if (read.has_error()) return check_refusal(read.error());
    const chat_request& request = read.value();
    check_settings(request.settings, rules);
    ALWAYS(!request.messages.empty());
    for (const json::value& each : request.messages) {
        const json::object& message = each.as_object();
        ALWAYS(message.at("role").is_string());
        ALWAYS(message.at("role") != "developer");
        const json::value* calls = message.if_contains("tool_calls");
        const json::value& content = message.at("content");
        ALWAYS(content.is_string() || (content.is_null() && calls));
        if (!calls) continue;
        for (const json::value& call : calls->as_array()) {
            const json::object& function = call.at("function").as_object();
            ALWAYS(function.at("name").is_string());
            ALWAYS(function.at("arguments").is_object() == rules.argument_objects);
        }
    }
}

void check_completion(std::string_view body, const request_rules& rules) {
    const auto read = read_completion_request(body, rules);
    if (read.has_error()) return check_refusal(read.error());
    const completion_request& request = read.value();
    check_settings(request.settings, rules);
    ALWAYS(!request.prompts.empty());
    ALWAYS(request.prompts.size() * request.settings.num_choices <= rules.most.max_choices);
    for (const auto& each : request.prompts) {
        const auto* ids = std::get_if<std::vector<token_id>>(&each);
        if (!ids) continue;
        ALWAYS(!ids->empty() && !request.suffix);
        for (const token_id id : *ids)
            ALWAYS(is_id(id));
    }
}

}  // namespace
}  // namespace penstock::worker

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace penstock::worker;
    if (size == 0) return 0;
    const std::string body(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto rules = rules_of(data[0] & 2);
    if (data[0] & 1)
        check_completion(body, rules);
    else
        check_chat(body, rules);
    return 0;
}
