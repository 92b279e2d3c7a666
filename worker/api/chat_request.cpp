// A chat request: its conversation, its tools, its settings.
#include "worker/api/chat_request.hpp"

#include "worker/api/chat_message.hpp"

#include <algorithm>

namespace penstock::worker {
namespace {

namespace json = boost::json;

void read_messages(field_reader& body, const request_rules& rules, json::array& out) {
    const json::array* messages = body.array("messages");
    if (body.is_refused()) return;
    if (!messages) return body.refuse(errc::missing_field, "messages", "'messages' is missing.");
    if (messages->empty())
        return body.refuse(errc::invalid_value, "messages", "'messages' must not be empty.");
    out.reserve(messages->size());
    for (std::size_t i = 0; i < messages->size() && !body.is_refused(); ++i) {
        const std::string path = "messages[" + std::to_string(i) + "]";
        const json::value& each = (*messages)[i];
        if (!each.is_object())
            return body.refuse(
                errc::wrong_type,
                path,
                "'" + path + "' must be an object, not " + std::string(kind_of(each)) + "."
            );
        field_reader message(each.get_object(), body.fault(), path);
        out.push_back(read_message(message, rules));
    }
}

// A tool goes to the template as it came, once its form is sure. `strict` promises a grammar that
// is not there yet; it is a wish of many SDKs by default, and stays one.
void check_tool(field_reader& tool) {
    const json::string* type = tool.text("type");
    if (type && *type != "function")
        tool.refuse(
            errc::invalid_value, "type", "'" + tool.path_of("type") + "' must be 'function'."
        );
    if (!type)
        tool.refuse(errc::missing_field, "type", "'" + tool.path_of("type") + "' is missing.");
    const json::object* said = tool.object("function");
    if (!said)
        return tool.refuse(
            errc::missing_field, "function", "'" + tool.path_of("function") + "' is missing."
        );
    field_reader function(*said, tool.fault(), tool.path_of("function"));
    const json::string* name = function.text("name");
    if (!name || name->empty())
        function.refuse(
            errc::missing_field, "name", "'" + function.path_of("name") + "' is missing."
        );
    std::ignore = function.text("description");
    std::ignore = function.object("parameters");
}

void read_tools(field_reader& body, json::array& out) {
    const json::array* tools = body.array("tools");
    if (!tools) return;
    for (std::size_t i = 0; i < tools->size() && !body.is_refused(); ++i) {
        const std::string path = "tools[" + std::to_string(i) + "]";
        const json::value& each = (*tools)[i];
        if (!each.is_object())
            return body.refuse(
                errc::wrong_type,
                path,
                "'" + path + "' must be an object, not " + std::string(kind_of(each)) + "."
            );
        field_reader tool(each.get_object(), body.fault(), path);
        check_tool(tool);
    }
    out = *tools;
}

void read_tool_choice(field_reader& body, json::array& tools) {
    const json::value* choice = body.find("tool_choice");
    if (!choice) return;
    if (choice->is_object())
        return body.refuse(
            errc::invalid_value,
            "tool_choice",
            "A named function as 'tool_choice' is not supported yet; use 'auto' or 'none'."
        );
    const json::string* word = body.text("tool_choice");
    if (!word || *word == "auto") return;
    // The surest way that none is called: the model does not hear of them.
    if (*word == "none") return tools.clear();
    body.refuse(
        errc::invalid_value,
        "tool_choice",
        *word == "required" ? "'tool_choice' required is not supported yet; use 'auto' or 'none'."
                            : "'tool_choice' must be 'auto' or 'none'."
    );
}

// Values of the template by name; those that the request says elsewhere cannot be said here too.
void read_template_values(field_reader& body, chat_request& out) {
    const json::object* values = body.object("chat_template_kwargs");
    if (!values) return;
    for (const std::string_view taken : {"messages", "tools", "add_generation_prompt"})
        if (values->contains(taken))
            return body.refuse(
                errc::ambiguous_field,
                "chat_template_kwargs." + std::string(taken),
                "'" + std::string(taken) + "' cannot be given in 'chat_template_kwargs'."
            );
    out.template_values = *values;
}

void refuse_unsupported(field_reader& body, const chat_request& read) {
    for (const std::string_view name : {"functions", "function_call"})
        if (body.has(name))
            body.refuse(
                errc::invalid_value,
                name,
                "'" + std::string(name) + "' is not supported; use 'tools' and 'tool_choice'."
            );
    if (body.has("audio"))
        body.refuse(errc::invalid_value, "audio", "This model writes text only.");
    if (const json::array* modalities = body.array("modalities"))
        if (std::any_of(modalities->begin(), modalities->end(), [](const json::value& each) {
                return each != "text";
            }))
            body.refuse(errc::invalid_value, "modalities", "This model writes text only.");
    if (body.flag("parallel_tool_calls") == false && !read.tools.empty())
        body.refuse(
            errc::invalid_value,
            "parallel_tool_calls",
            "'parallel_tool_calls' false is not supported yet."
        );
    if (body.has("chat_template"))
        body.refuse(errc::invalid_value, "chat_template", "The chat template is the model's own.");
}

}  // namespace

void read_conversation(field_reader& body, const request_rules& rules, chat_request& out) {
    read_messages(body, rules, out.messages);
    read_tools(body, out.tools);
    read_tool_choice(body, out.tools);
    read_template_values(body, out);
    out.add_generation_prompt = body.flag("add_generation_prompt").value_or(true);
    refuse_unsupported(body, out);
}

stage_result<chat_request> read_chat_request(std::string_view text, const request_rules& rules) {
    TRY(const json::object object, parse_body(text, rules.most.json_depth));
    first_fault fault;
    field_reader body(object, fault);
    chat_request out;
    out.settings = read_answer_settings(body, rules);
    read_chat_logprobs(body, out.settings);
    read_conversation(body, rules, out);
    if (fault) return std::move(*fault);
    return out;
}

}  // namespace penstock::worker
