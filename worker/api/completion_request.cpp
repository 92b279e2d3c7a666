// A completion request: its prompts and its settings.
#include "worker/api/completion_request.hpp"

#include <algorithm>

namespace penstock::worker {
namespace {

namespace json = boost::json;
using prompt = completion_request::prompt;

bool is_id(const json::value& value) noexcept {
    return value.is_int64() || value.is_uint64();
}

std::optional<prompt> read_ids(
    field_reader& body, const json::array& ids, const std::string& path, std::uint32_t vocabulary
) {
    std::vector<token_id> out;
    out.reserve(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const auto* id = ids[i].if_int64();
        if (id && *id >= 0 && *id < vocabulary) {
            out.push_back(static_cast<token_id>(*id));
            continue;
        }
        const std::string name = path + "[" + std::to_string(i) + "]";
        body.refuse(
            is_id(ids[i]) ? errc::invalid_value : errc::wrong_type,
            name,
            "'" + name + "' must be a token id below " + std::to_string(vocabulary) + ", not " +
                (is_id(ids[i]) ? json::serialize(ids[i]) : std::string(kind_of(ids[i]))) + "."
        );
        return std::nullopt;
    }
    if (out.empty()) {
        body.refuse(errc::invalid_value, path, "'" + path + "' must not be empty.");
        return std::nullopt;
    }
    return prompt(std::move(out));
}

std::optional<prompt> read_one(
    field_reader& body, const json::value& value, const std::string& path, std::uint32_t vocabulary
) {
    if (value.is_string()) return prompt(std::string(value.get_string()));
    if (value.is_array()) return read_ids(body, value.get_array(), path, vocabulary);
    body.refuse(
        errc::wrong_type,
        path,
        "'" + path + "' must be a string or an array of token ids, not " +
            std::string(kind_of(value)) + "."
    );
    return std::nullopt;
}

// One prompt, or a list of prompts; a list of integers is one prompt.
void read_prompts(field_reader& body, const request_rules& rules, std::vector<prompt>& out) {
    const json::value* given = body.find("prompt");
    if (!given) return body.refuse(errc::missing_field, "prompt", "'prompt' is missing.");
    const bool is_list =
        given->is_array() && !given->get_array().empty() && !given->get_array().front().is_number();
    if (!is_list) {
        if (auto one = read_one(body, *given, "prompt", rules.vocabulary))
            out.push_back(std::move(*one));
        return;
    }
    const auto& list = given->get_array();
    if (list.size() > rules.most.max_choices)
        return body.refuse(
            errc::invalid_value,
            "prompt",
            "'prompt' holds " + std::to_string(list.size()) + " prompts; at most " +
                std::to_string(rules.most.max_choices) + " answers are possible."
        );
    for (std::size_t i = 0; i < list.size(); ++i) {
        auto one = read_one(body, list[i], "prompt[" + std::to_string(i) + "]", rules.vocabulary);
        if (!one) return;
        out.push_back(std::move(*one));
    }
}

void read_suffix(field_reader& body, completion_request& out) {
    const json::string* suffix = body.text("suffix");
    if (!suffix) return;
    const bool all_text = std::all_of(out.prompts.begin(), out.prompts.end(), [](const prompt& p) {
        return std::holds_alternative<std::string>(p);
    });
    if (!all_text)
        return body.refuse(
            errc::invalid_value, "suffix", "'suffix' is possible with a text as 'prompt' only."
        );
    out.suffix = *suffix;
}

}  // namespace

stage_result<completion_request> read_completion_request(
    std::string_view text, const request_rules& rules
) {
    TRY(const json::object object, parse_body(text, rules.most.json_depth));
    first_fault fault;
    field_reader body(object, fault);
    completion_request out;
    out.settings = read_answer_settings(body, rules);
    read_completion_logprobs(body, out.settings);
    read_prompts(body, rules, out.prompts);
    read_suffix(body, out);
    out.add_special_tokens = body.flag("add_special_tokens").value_or(true);
    if (out.prompts.size() * out.settings.num_choices > rules.most.max_choices)
        body.refuse(
            errc::invalid_value,
            "n",
            "'n' times the number of prompts is more than " +
                std::to_string(rules.most.max_choices) + " answers."
        );
    if (fault) return std::move(*fault);
    return out;
}

}  // namespace penstock::worker
