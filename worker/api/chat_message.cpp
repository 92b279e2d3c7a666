// One message of a conversation.
#include "worker/api/chat_message.hpp"

#include "worker/api/fields.hpp"
#include "worker/api/read_json.hpp"

#include <algorithm>

namespace penstock::worker {
namespace {

namespace json = boost::json;

constexpr std::string_view roles[] = {"system", "developer", "user", "assistant", "tool"};

std::string numbered(std::string_view name, std::size_t i) {
    return std::string(name) + "[" + std::to_string(i) + "]";
}

// The text of one part. Images and sounds are refused by their name: this worker reads text only.
const json::string* read_part(field_reader& part) {
    const json::string* type = part.text("type");
    if (part.is_refused()) return nullptr;
    if (!type) {
        part.refuse(errc::missing_field, "type", "'" + part.path_of("type") + "' is missing.");
        return nullptr;
    }
    const std::string_view where = *type == "refusal" ? "refusal" : "text";
    if (*type != where) {
        part.refuse(
            errc::invalid_value,
            "type",
            "'" + part.path_of("type") + "' is '" + std::string(type->subview(0, 64)) +
                "'; this model reads parts of type 'text' only."
        );
        return nullptr;
    }
    const json::string* text = part.text(where);
    if (!text) part.refuse(errc::missing_field, where, "'" + part.path_of(where) + "' is missing.");
    return text;
}

json::string read_parts(field_reader& message, const json::array& parts) {
    json::string joined;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const std::string name = numbered("content", i);
        if (!parts[i].is_object()) {
            message.refuse(
                errc::wrong_type,
                name,
                "'" + message.path_of(name) + "' must be an object, not " +
                    std::string(kind_of(parts[i])) + "."
            );
            return joined;
        }
        field_reader part(parts[i].get_object(), message.fault(), message.path_of(name));
        const json::string* text = read_part(part);
        if (!text) return joined;
        joined += *text;
    }
    return joined;
}

// Null where nothing is said but tool calls: templates tell that from an empty text. An answer that
// was all reasoning or a refusal has no content either, which they do not expect.
void read_content(field_reader& message, bool is_assistant, bool has_calls, json::object& out) {
    const json::value* content = message.find("content");
    if (!content) {
        if (!is_assistant)
            message.refuse(
                errc::missing_field, "content", "'" + message.path_of("content") + "' is missing."
            );
        out["content"] = has_calls ? json::value(nullptr) : json::value("");
    } else if (content->is_string()) {
        out["content"] = content->get_string();
    } else if (content->is_array()) {
        out["content"] = read_parts(message, content->get_array());
    } else {
        message.refuse_type("content", "a string or an array of parts");
    }
}

// The text that a model wrote as arguments, as an object. A text that is none is the client's
// fault: it was not one of our answers whose call could be read.
json::value as_object(field_reader& function, const json::string& text, std::size_t depth) {
    auto parsed = read_json(text, depth);
    if (!parsed.has_error() && parsed.value().is_object()) return std::move(parsed).value();
    function.refuse(
        errc::invalid_value,
        "arguments",
        "'" + function.path_of("arguments") + "' must be the JSON text of an object."
    );
    return nullptr;
}

json::object read_call(field_reader& call, const request_rules& rules) {
    json::object out;
    if (const auto* id = call.text("id")) out["id"] = *id;
    if (const auto* type = call.text("type"); type && *type != "function")
        call.refuse(
            errc::invalid_value, "type", "'" + call.path_of("type") + "' must be 'function'."
        );
    out["type"] = "function";
    const json::object* said = call.object("function");
    if (!said) {
        call.refuse(
            errc::missing_field, "function", "'" + call.path_of("function") + "' is missing."
        );
        return out;
    }
    field_reader function(*said, call.fault(), call.path_of("function"));
    const json::string* name = function.text("name");
    if (!name)
        function.refuse(
            errc::missing_field, "name", "'" + function.path_of("name") + "' is missing."
        );
    const json::string* arguments = function.text("arguments");
    if (call.is_refused()) return out;
    json::object made{{"name", *name}};
    const json::string none("{}");
    const json::string& text = arguments && !arguments->empty() ? *arguments : none;
    if (rules.argument_objects)
        made["arguments"] = as_object(function, text, rules.most.json_depth);
    else
        made["arguments"] = text;
    out["function"] = std::move(made);
    return out;
}

bool read_calls(field_reader& message, const request_rules& rules, json::object& out) {
    const json::array* calls = message.array("tool_calls");
    if (!calls || calls->empty()) return false;
    json::array made;
    for (std::size_t i = 0; i < calls->size() && !message.is_refused(); ++i) {
        const std::string name = numbered("tool_calls", i);
        const json::value& each = (*calls)[i];
        if (!each.is_object()) {
            message.refuse(
                errc::wrong_type,
                name,
                "'" + message.path_of(name) + "' must be an object, not " +
                    std::string(kind_of(each)) + "."
            );
            break;
        }
        field_reader call(each.get_object(), message.fault(), message.path_of(name));
        made.push_back(read_call(call, rules));
    }
    out["tool_calls"] = std::move(made);
    return true;
}

}  // namespace

json::object read_message(field_reader& message, const request_rules& rules) {
    json::object out;
    const json::string* role = message.text("role");
    if (!role) {
        message.refuse(
            errc::missing_field, "role", "'" + message.path_of("role") + "' is missing."
        );
        return out;
    }
    if (std::find(std::begin(roles), std::end(roles), std::string_view(*role)) == std::end(roles)) {
        message.refuse(
            errc::invalid_value,
            "role",
            "'" + message.path_of("role") +
                "' must be 'system', 'developer', 'user', 'assistant' or 'tool'."
        );
        return out;
    }
    // What newer models call developer, the templates of open models know as system.
    out["role"] = *role == "developer" ? json::string("system") : *role;
    const bool is_assistant = *role == "assistant";
    const bool has_calls = is_assistant && read_calls(message, rules, out);
    read_content(message, is_assistant, has_calls, out);
    for (const std::string_view name : {"name", "tool_call_id", "reasoning_content"})
        if (const auto* text = message.text(name)) out[name] = *text;
    return out;
}

}  // namespace penstock::worker
