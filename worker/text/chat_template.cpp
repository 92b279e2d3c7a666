// Finds a model's chat template and renders conversations with it.
#include "worker/text/chat_template.hpp"

#include "worker/text/jinja/program.hpp"

#include <fstream>
#include <sstream>

namespace penstock::worker {
namespace {

namespace json = boost::json;

error refuse(const std::filesystem::path& file, std::string_view what) {
    return {errc::invalid_value, file.filename().string() + ": " + std::string(what)};
}

// Nothing when there is no such file.
result<std::optional<std::string>> read_file(const std::filesystem::path& file) {
    std::error_code failed;
    if (!std::filesystem::is_regular_file(file, failed)) return std::optional<std::string>();
    std::ifstream in(file, std::ios::binary);
    std::ostringstream bytes;
    bytes << in.rdbuf();
    if (!in) return refuse(file, "cannot be read");
    return std::optional(std::move(bytes).str());
}

// The template that tokenizer_config.json holds; nothing when it holds none.
result<std::optional<std::string>> embedded_template(
    const json::object& config, const std::filesystem::path& file
) {
    const json::value* const given = config.if_contains("chat_template");
    if (given == nullptr || given->is_null()) return std::optional<std::string>();
    if (given->is_string()) return std::optional(std::string(given->get_string()));
    if (!given->is_array()) return refuse(file, "chat_template is neither a text nor a list");
    for (const json::value& one : given->get_array()) {
        const json::object* const named = one.if_object();
        const json::value* const name = named != nullptr ? named->if_contains("name") : nullptr;
        const json::value* const text = named != nullptr ? named->if_contains("template") : nullptr;
        if (name == nullptr || text == nullptr || !name->is_string() || !text->is_string())
            return refuse(file, "an entry of chat_template is not {name, template}");
        if (name->get_string() == "default") return std::optional(std::string(text->get_string()));
    }
    return refuse(file, "chat_template has no entry named \"default\"");
}

struct found_source {
    std::optional<std::string> source;
    std::filesystem::path file;  // that holds it; where none does, the one that could
    json::object config;         // tokenizer_config.json; empty without one
};

result<found_source> find_source(const std::filesystem::path& folder) {
    const auto config_file = folder / "tokenizer_config.json",
               own_file = folder / "chat_template.jinja";
    found_source found;
    TRY(const std::optional<std::string> bytes, read_file(config_file));
    if (bytes) {
        boost::system::error_code failed;
        json::value parsed = json::parse(*bytes, failed);
        if (failed || !parsed.is_object()) return refuse(config_file, "is not a JSON object");
        found.config = std::move(parsed.get_object());
    }
    found.file = own_file;
    TRY(found.source, read_file(own_file));
    if (found.source) return found;
    TRY(found.source, embedded_template(found.config, config_file));
    if (found.source) found.file = config_file;
    return found;
}

// bos_token and its like: what is named …_token, as a text or as {content}.
json::object special_tokens(const json::object& config) {
    json::object out;
    for (const auto& [name, given] : config) {
        if (!std::string_view(name).ends_with("_token")) continue;
        const json::value* text = &given;
        if (const json::object* const added = given.if_object())
            text = added->if_contains("content");
        if (text != nullptr && text->is_string()) out[name] = *text;
    }
    return out;
}

// A conversation with a call in its history, whose arguments are of this form.
json::object conversation_with(json::value arguments) {
    json::object call{{"name", "f"}, {"arguments", std::move(arguments)}};
    json::object tool_call{{"id", "call_000001"}, {"type", "function"}, {"function", call}};
    json::array messages{
        json::object{{"role", "user"}, {"content", "u"}},
        json::object{
            {"role", "assistant"}, {"content", nullptr}, {"tool_calls", json::array{tool_call}}
        },
        json::object{{"role", "tool"}, {"tool_call_id", "call_000001"}, {"content", "t"}},
        json::object{{"role", "user"}, {"content", "u"}},
    };
    return {{"messages", std::move(messages)}, {"add_generation_prompt", true}};
}

}  // namespace

struct chat_template::state {
    jinja::program program;
    bool wants_objects = false;
    std::size_t output_bytes = 0;
};

namespace {

// A template that was given what it does not expect writes no `"needle": "hay"`: it fails, or
// quotes the text once more.
bool shows_needle(const jinja::program& program, json::value arguments) {
    const auto rendered = program.render(conversation_with(std::move(arguments)), {});
    if (rendered.has_error()) return false;
    const std::string_view text = rendered.value().view();
    return text.find("\"needle\": \"hay\"") != text.npos ||
           text.find("\"needle\":\"hay\"") != text.npos;
}

bool probe_for_objects(const jinja::program& program) {
    const bool takes_object = shows_needle(program, json::object{{"needle", "hay"}});
    const bool takes_text = shows_needle(program, "{\"needle\": \"hay\"}");
    if (takes_object != takes_text) return takes_object;
    if (takes_object) return true;
    // Neither is shown as JSON. An object is what Hugging Face documents, unless it fails.
    return !program.render(conversation_with(json::object{{"needle", "hay"}}), {}).has_error();
}

}  // namespace

chat_template::chat_template(std::unique_ptr<const state> from) noexcept
    : state_(std::move(from)) {}
chat_template::chat_template(chat_template&&) noexcept = default;
chat_template& chat_template::operator=(chat_template&&) noexcept = default;
chat_template::~chat_template() = default;

result<chat_template> chat_template::parse(
    std::string_view source, json::object constants, const template_limits& limits
) {
    // Hugging Face passes these two always, as None where the request has none.
    for (const char* const name : {"tools", "documents"})
        constants.emplace(name, nullptr);
    TRY(jinja::program program, jinja::program::parse(source, std::move(constants), limits));
    const bool wants_objects = probe_for_objects(program);
    return chat_template(std::unique_ptr<const state>(
        new state{std::move(program), wants_objects, limits.output_bytes}
    ));
}

result<chat_template> chat_template::load(
    const std::filesystem::path& folder, const template_limits& limits
) {
    TRY(const found_source found, find_source(folder));
    if (!found.source)
        return refuse(found.file, "is missing, and tokenizer_config.json has no chat_template");
    auto parsed = parse(*found.source, special_tokens(found.config), limits);
    if (parsed.has_error()) return refuse(found.file, parsed.error().detail);
    return parsed;
}

result<bool> chat_template::exists(const std::filesystem::path& folder) {
    TRY(const found_source found, find_source(folder));
    return found.source.has_value();
}

result<rendered_prompt> chat_template::render(const json::object& values) const {
    TRY(jinja::text text, state_->program.render(values, std::chrono::system_clock::now()));
    return rendered_prompt{std::move(text.bytes), std::move(text.users)};
}

std::size_t chat_template::output_bytes() const noexcept {
    return state_->output_bytes;
}

bool chat_template::wants_argument_objects() const noexcept {
    return state_->wants_objects;
}

}  // namespace penstock::worker
