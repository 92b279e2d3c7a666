// What one event of a stream is. Most are a piece of text: those are told by one look at their
// bytes, and only what may hold usage or an error is walked as JSON.
#include "penstock/openai/answer.hpp"

#include "answer_tokens.hpp"
#include "key_table.hpp"
#include "penstock/http/sse.hpp"
#include "usage.hpp"

#include <array>
#include <optional>

namespace penstock::openai {
namespace {

using kind = event_facts::kind;

struct type_row {
    std::string_view name;
    kind what;
    bool look;  // its data may hold usage
};

// clang-format off
constexpr std::array types{
    type_row{"message_start", kind::other, true},                  // Anthropic
    type_row{"content_block_start", kind::other, false},
    type_row{"content_block_delta", kind::content, false},
    type_row{"content_block_stop", kind::other, false},
    type_row{"message_delta", kind::other, true},
    type_row{"message_stop", kind::done, false},
    type_row{"ping", kind::other, false},
    type_row{"error", kind::error, false},
    type_row{"response.completed", kind::done, true},              // Responses
    type_row{"response.incomplete", kind::done, true},
    type_row{"response.failed", kind::error, true},
    type_row{"transcript.text.delta", kind::content, false},       // transcription
    type_row{"transcript.text.done", kind::done, true},
    type_row{"speech.audio.delta", kind::content, false},          // speech
    type_row{"speech.audio.done", kind::done, true},
};
// clang-format on
constexpr key_table<types.size()> type_names(types, [](const auto& row) { return row.name; });

bool has_types(dialect spoken) noexcept {
    return spoken == dialect::responses || spoken == dialect::messages ||
           spoken == dialect::transcription || spoken == dialect::speech;
}

// Responses has some forty types; all that carry a piece of output end alike.
std::optional<type_row> find_type(std::string_view name) noexcept {
    const int row = type_names.find(name);
    if (row >= 0) return types[static_cast<std::size_t>(row)];
    if (!name.starts_with("response.")) return std::nullopt;
    return type_row{name, name.ends_with(".delta") ? kind::content : kind::other, false};
}

struct event_text {
    std::string_view name, data;
    bool has_data = false;
};

// Nearly every event of OpenAI's dialects: one line of data and an empty one.
bool is_one_data_line(std::string_view event, std::string_view& data) noexcept {
    if (!event.starts_with("data: ") || event.find('\n') != event.size() - 2 ||
        event.find('\r') != event.npos)
        return false;
    data = event.substr(6, event.size() - 8);
    return event.back() == '\n';
}

// `joined` holds the data where it spans several lines.
event_text text_of(std::string_view event, std::string& joined) {
    event_text text;
    if (is_one_data_line(event, text.data)) {
        text.has_data = true;
        return text;
    }
    text = {};
    http::sse_fields fields(event);
    http::sse_field field;
    while (fields.next(field)) {
        if (field.name == "event") text.name = field.value;
        if (field.name != "data") continue;
        if (text.has_data) {
            if (joined.empty()) joined = text.data;
            joined += '\n';
            joined += field.value;
            text.data = joined;
        } else {
            text.data = field.value;
            text.has_data = true;
        }
    }
    return text;
}

// What a walk over an event's JSON finds at its top level, and one level below.
struct survey {
    std::string_view type;
    bool error = false;
    bool usage = false;
    bool no_choices = false;  // `choices` is there and empty
};

bool read_usage(json_cursor& at, survey& found, usage& so_far) {
    found.usage = found.usage || at.peek() == json_type::object;
    return merge_usage(at, so_far);
}

bool survey_member(json_cursor& at, std::string_view key, survey& found, usage& so_far) {
    const json_type type = at.peek();
    if (key == "usage" || key == "meta") return read_usage(at, found, so_far);
    if (key == "error") found.error = found.error || type != json_type::null;
    if ((key == "type" || key == "object") && type == json_type::string) {
        json_string value;
        if (!at.read(value)) return false;
        if (key == "type") found.type = at.text(value);
        found.error = found.error || at.text(value) == "error";
        return true;
    }
    if (key == "choices" && type == json_type::array) {
        found.no_choices = true;
        return at.elements([&] {
            found.no_choices = false;
            return at.skip();
        });
    }
    if ((key == "response" || key == "message") && type == json_type::object)
        return at.members([&](const json_string& inner) {
            return at.text(inner) == "usage" ? read_usage(at, found, so_far) : at.skip();
        });
    return at.skip();
}

// Of data that is broken JSON, what stood before the break.
survey survey_of(std::string_view data, usage& so_far) {
    constexpr std::uint32_t any_depth = 1024;
    survey found;
    json_cursor at(data, any_depth);
    if (at.peek() == json_type::object)
        at.members([&](const json_string& key) {
            return survey_member(at, at.text(key), found, so_far);
        });
    return found;
}

}  // namespace

event_facts read_event(dialect spoken, std::string_view event, usage& so_far) {
    std::string joined;
    const event_text text = text_of(event, joined);
    if (!text.has_data) return {kind::comment};
    if (text.data == "[DONE]") return {kind::done};

    if (const auto type = find_type(text.name)) {
        if (type->look) survey_of(text.data, so_far);
        return {type->what};
    }
    const answer_tokens tokens = tokens_of(text.data);
    const kind plain = tokens.content ? kind::content : kind::other;
    if (!tokens.look && !has_types(spoken)) return {plain};

    const survey found = survey_of(text.data, so_far);
    if (found.error) return {kind::error};
    if (const auto type = find_type(found.type)) return {type->what};
    if (found.usage && found.no_choices) return {kind::usage_only};
    return {plain};
}

bool cannot_be_usage_only(std::string_view incomplete_event) noexcept {
    http::sse_fields fields(incomplete_event);
    http::sse_field field;
    while (fields.next(field)) {
        if (field.name != "data" || field.value.empty()) continue;
        if (field.value.front() != '{') return true;
        break;
    }
    return has_choice(incomplete_event);
}

}  // namespace penstock::openai
