// The tables of the body scan. Reading another member is one row here.
#include "request_fields.hpp"

#include "key_table.hpp"

namespace penstock::openai {
namespace {

constexpr std::uint8_t null = bit_of(json_type::null);
constexpr std::uint8_t boolean = null | bit_of(json_type::boolean);
constexpr std::uint8_t number = null | bit_of(json_type::number);
constexpr std::uint8_t string = null | bit_of(json_type::string);
constexpr std::uint8_t array = null | bit_of(json_type::array);
constexpr std::uint8_t object = null | bit_of(json_type::object);
constexpr std::uint8_t any = 0xff;

// clang-format off
constexpr std::array fields{
    field_row{"model", field_role::model, bit_of(json_type::string), "a string"},
    field_row{"stream", field_role::stream, boolean, "true or false"},
    field_row{"stream_options", field_role::stream_options, object, "an object"},
    field_row{"n", field_role::copies, number, "an integer"},
    field_row{"best_of", field_role::copies, number, "an integer"},
    field_row{"max_tokens", field_role::max_tokens, number, "an integer"},
    field_row{"max_completion_tokens", field_role::max_tokens, number, "an integer"},
    field_row{"max_output_tokens", field_role::max_tokens, number, "an integer"},
    field_row{"messages", field_role::messages, array, "an array"},
    field_row{"input", field_role::inputs, string | array, "a string or an array"},
    field_row{"prompt", field_role::prompt, string | array | object, "a string or an array"},
    field_row{"suffix", field_role::content, string, "a string"},
    field_row{"system", field_role::content, string | array, "a string or an array"},
    field_row{"instructions", field_role::content, string | array, "a string or an array"},
    field_row{"query", field_role::content, string | object, "a string"},
    field_row{"documents", field_role::documents, array, "an array"},
    field_row{"texts", field_role::documents, array, "an array"},
    field_row{"tools", field_role::tools, array, "an array"},
    field_row{"functions", field_role::tools, array, "an array"},
    field_row{"user", field_role::user, string, "a string"},
    field_row{"metadata", field_role::metadata, any, ""},
    field_row{"prompt_cache_key", field_role::session, string, "a string"},
    field_row{"litellm_session_id", field_role::session, string, "a string", true},
    field_row{"litellm_metadata", field_role::extra, any, "", true},
    field_row{"fallbacks", field_role::extra, any, "", true},
    field_row{"num_retries", field_role::extra, any, "", true},
    field_row{"timeout", field_role::extra, any, "", true},
    field_row{"context_window_fallback_dict", field_role::extra, any, "", true},
    field_row{"guardrails", field_role::extra, any, "", true},
    field_row{"caching", field_role::extra, any, "", true},
    field_row{"cache", field_role::extra, any, "", true},
    field_row{"mock_response", field_role::extra, any, "", true},
};

struct content_row {
    std::string_view name;
    content_role role;
};

// Names of chat, Responses and Anthropic in one list: a message, a part of its content, a call of a
// tool and its result differ little, and what is counted twice would be there twice.
constexpr std::array contents{
    content_row{"content", content_role::content},
    content_row{"text", content_role::content},
    content_row{"thinking", content_role::content},
    content_row{"reasoning", content_role::content},
    content_row{"reasoning_content", content_role::content},
    content_row{"refusal", content_role::content},
    content_row{"summary", content_role::content},
    content_row{"output", content_role::content},
    content_row{"tool_calls", content_role::content},
    content_row{"function_call", content_role::content},
    content_row{"function", content_role::content},
    content_row{"custom", content_role::content},
    content_row{"arguments", content_role::all_text},
    content_row{"input", content_role::all_text},
    content_row{"type", content_role::kind},
    content_row{"image", content_role::image},
    content_row{"image_url", content_role::image},
    content_row{"video_url", content_role::image},
    content_row{"input_audio", content_role::audio},
    content_row{"audio_url", content_role::audio},
};
// clang-format on

constexpr key_table<fields.size()> field_names(fields, [](const auto& row) { return row.name; });
constexpr key_table<contents.size()> content_names(contents, [](const auto& row) {
    return row.name;
});

static_assert(fields.size() <= 64, "the scan keeps a bit of each");
constexpr bool names_fit() {
    for (const field_row& row : fields)
        if (row.name.size() >= longest_field) return false;
    for (const content_row& row : contents)
        if (row.name.size() >= longest_field) return false;
    return true;
}
static_assert(names_fit());

}  // namespace

int find_field(std::string_view name) noexcept {
    return field_names.find(name);
}

const field_row& field_at(int row) noexcept {
    return fields[static_cast<std::size_t>(row)];
}

const std::array<std::string_view, 2>& required_fields(dialect spoken) noexcept {
    // In the order of `dialect`. Responses may come with a stored prompt instead of an input.
    static constexpr std::array<std::array<std::string_view, 2>, num_dialects> required{{
        {"messages"},
        {"prompt"},
        {"prompt"},
        {"input"},
        {"query", "documents"},
        {},
        {"messages"},
        {},
        {"input"},
        {},
        {},
    }};
    return required[static_cast<std::size_t>(spoken)];
}

bool find_content(std::string_view name, content_role& role) noexcept {
    const int row = content_names.find(name);
    if (row < 0) return false;
    role = contents[static_cast<std::size_t>(row)].role;
    return true;
}

}  // namespace penstock::openai
