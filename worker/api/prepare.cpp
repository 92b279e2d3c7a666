// From a body to tokens.
#include "worker/api/prepare.hpp"

#include "worker/api/completion_request.hpp"

#include <algorithm>

namespace penstock::worker {
namespace {

namespace json = boost::json;

constexpr std::size_t tail_bytes = 256;

// Fill-in-the-middle, as Qwen and StarCoder write it.
constexpr std::string_view fim_prefix = "<|fim_prefix|>", fim_suffix = "<|fim_suffix|>",
                           fim_middle = "<|fim_middle|>";

// Whether prompt and answer fit the context, and how long the answer may be.
stage_result<std::uint32_t> answer_room(
    std::size_t prompt_tokens,
    const answer_settings& settings,
    std::string_view prompt_field,
    std::uint32_t context
) {
    const std::string says = "The context of this model is " + std::to_string(context) +
                             " tokens; '" + std::string(prompt_field) + "' has " +
                             std::to_string(prompt_tokens);
    if (prompt_tokens >= context)
        return refusal(
            errc::context_length_exceeded,
            says + ", which leaves no room for an answer.",
            std::string(prompt_field)
        );
    const auto room = context - static_cast<std::uint32_t>(prompt_tokens);
    if (settings.max_tokens.value_or(0) > room)
        return refusal(
            errc::context_length_exceeded,
            says + " and '" + settings.max_tokens_field + "' asks for " +
                std::to_string(*settings.max_tokens) + " more.",
            settings.max_tokens_field
        );
    if (settings.min_tokens > room)
        return refusal(
            errc::context_length_exceeded,
            says + " and 'min_tokens' asks for " + std::to_string(settings.min_tokens) + " more.",
            "min_tokens"
        );
    return settings.max_tokens.value_or(room);
}

stage_result<> add_prompt(
    std::vector<token_id> tokens,
    std::string_view field,
    const served_model& model,
    prepared_request& out
) {
    if (tokens.empty())
        return refusal(
            errc::invalid_value, "'" + std::string(field) + "' has no token.", std::string(field)
        );
    TRY(const std::uint32_t room,
        answer_room(tokens.size(), out.settings, field, model.rules.max_positions));
    out.prompts.push_back({std::move(tokens), room});
    return success();
}

// Code around a gap. Both parts are a user's text: no special token is read in them.
stage_result<std::vector<token_id>> encode_fim(
    std::string_view before, std::string_view behind, const tokenizer& tokens
) {
    const auto prefix = tokens.find(fim_prefix), suffix = tokens.find(fim_suffix),
               middle = tokens.find(fim_middle);
    if (!prefix || !suffix || !middle)
        return refusal(
            errc::invalid_value,
            "This model cannot fill in: it has no tokens <|fim_prefix|>, <|fim_suffix|> and "
            "<|fim_middle|>.",
            "suffix"
        );
    std::vector<token_id> ids;
    const auto add_text = [&](std::string_view text) {
        const user_range whole{0, text.size()};
        tokens.encode(text, {&whole, 1}, ids);
    };
    ids.push_back(*prefix);
    add_text(before);
    ids.push_back(*suffix);
    add_text(behind);
    ids.push_back(*middle);
    return ids;
}

stage_result<std::vector<token_id>> encode_prompt(
    completion_request::prompt& from, const completion_request& request, const tokenizer& tokens
) {
    if (auto* ids = std::get_if<std::vector<token_id>>(&from)) return std::move(*ids);
    const auto& text = std::get<std::string>(from);
    if (request.suffix) return encode_fim(text, *request.suffix, tokens);
    return encode_raw(text, request.add_special_tokens, tokens);
}

// More text than the template may write is more than the context holds, whatever it is made of,
// when that many bytes would be too long in the longest of tokens.
refusal refused_by_template(const error& why, const served_model& model) {
    constexpr std::size_t nfc_shortens = 3;  // times at most, in UTF-8: Hangul's 3 letters to one
    const std::size_t context = model.rules.max_positions;
    const std::size_t token_bytes = nfc_shortens * std::max<std::size_t>(model.tokens.longest(), 1);
    const bool cannot_fit = model.chat->output_bytes() / token_bytes >= context;
    if (why.code == errc::context_length_exceeded && cannot_fit)
        return {
            errc::context_length_exceeded,
            "The context of this model is " + std::to_string(context) +
                " tokens; 'messages' make more than " + std::to_string(model.chat->output_bytes()) +
                " bytes of text, which cannot fit.",
            "messages"
        };
    return {
        errc::invalid_value,
        "The model's chat template refuses this conversation: " + why.detail,
        "messages"
    };
}

}  // namespace

std::vector<token_id> encode_raw(
    std::string_view text, bool add_special_tokens, const tokenizer& tokens
) {
    std::vector<token_id> ids;
    const auto add = [&](std::span<const token_id> some) {
        if (add_special_tokens) ids.insert(ids.end(), some.begin(), some.end());
    };
    add(tokens.prefix());
    tokens.encode(text, {}, ids);
    add(tokens.suffix());
    return ids;
}

stage_result<std::vector<token_id>> encode_conversation(
    const chat_request& request, const served_model& model, std::string* tail
) {
    if (!model.chat)
        return refusal(
            errc::invalid_value, "This model has no chat template; use /v1/completions.", "messages"
        );
    json::object values = request.template_values;
    values["messages"] = request.messages;
    values["add_generation_prompt"] = request.add_generation_prompt;
    if (!request.tools.empty()) values["tools"] = request.tools;
    auto rendered = model.chat->render(values);
    if (rendered.has_error()) return refused_by_template(std::move(rendered).error(), model);
    const auto& [text, users] = rendered.value();
    if (tail) {
        // What a user wrote opens no reasoning.
        const std::size_t own = users.empty() ? 0 : users.back().end;
        *tail = text.substr(std::max(own, text.size() - std::min(text.size(), tail_bytes)));
    }
    std::vector<token_id> ids;
    model.tokens.encode(text, users, ids);
    return ids;
}

stage_result<prepared_request> prepare_chat(std::string_view body, const served_model& model) {
    TRY(chat_request request, read_chat_request(body, model.rules));
    prepared_request out;
    out.is_chat = true;
    out.tool_calls = !request.tools.empty();
    TRY(std::vector<token_id> tokens, encode_conversation(request, model, &out.prompt_tail));
    out.settings = std::move(request.settings);
    CHECK(add_prompt(std::move(tokens), "messages", model, out));
    return out;
}

stage_result<prepared_request> prepare_completion(
    std::string_view body, const served_model& model
) {
    TRY(completion_request request, read_completion_request(body, model.rules));
    prepared_request out;
    out.settings = std::move(request.settings);
    const bool is_list = request.prompts.size() > 1;
    for (std::size_t i = 0; i < request.prompts.size(); ++i) {
        TRY(std::vector<token_id> tokens, encode_prompt(request.prompts[i], request, model.tokens));
        const std::string field = is_list ? "prompt[" + std::to_string(i) + "]" : "prompt";
        CHECK(add_prompt(std::move(tokens), field, model, out));
    }
    return out;
}

}  // namespace penstock::worker
