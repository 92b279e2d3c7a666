// How an answer is made, read from a request.
#include "worker/api/answer_settings.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace penstock::worker {
namespace {

namespace json = boost::json;

constexpr std::int64_t tokens_max = std::numeric_limits<std::int32_t>::max();
// The kernels sum masses in steps of 2^-40; a `top_p` of 0 means the likeliest token alone.
constexpr float top_p_min = 1e-6f;

void read_model(field_reader& body, const request_rules& rules) {
    const json::string* model = body.text("model");
    if (!model || *model == rules.model) return;
    body.refuse(
        errc::model_not_found,
        "model",
        "There is no model '" + std::string(model->subview(0, 128)) +
            "' here; this worker serves '" + rules.model + "'."
    );
}

void read_sampling(field_reader& body, const request_rules& rules, sampling_params& out) {
    out = rules.defaults;
    const auto read = [&](std::string_view name, double least, double most, float& into) {
        if (const auto value = body.number(name, least, most)) into = static_cast<float>(*value);
    };
    read("temperature", 0, 2, out.temperature);
    read("top_p", 0, 1, out.top_p);
    out.top_p = std::max(out.top_p, top_p_min);
    read("min_p", 0, 1, out.min_p);
    read("frequency_penalty", -2, 2, out.frequency_penalty);
    read("presence_penalty", -2, 2, out.presence_penalty);
    read("repetition_penalty", 0.01, 10, out.repetition_penalty);
    // vLLM's -1 and our 0 both mean all.
    if (const auto top_k = body.integer("top_k", -1, tokens_max))
        out.top_k = static_cast<std::uint32_t>(std::max<std::int64_t>(*top_k, 0));
}

void read_bias(field_reader& body, const request_rules& rules, std::vector<token_bias>& out) {
    const json::object* biases = body.object("logit_bias");
    if (!biases) return;
    if (biases->size() > rules.most.max_biases)
        return body.refuse(
            errc::invalid_value,
            "logit_bias",
            "'logit_bias' names " + std::to_string(biases->size()) + " tokens; at most " +
                std::to_string(rules.most.max_biases) + " are possible."
        );
    field_reader reader(*biases, body.fault(), "logit_bias");
    for (const auto& [key, value] : *biases) {
        const std::string_view digits = key;
        token_id id = -1;
        const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), id);
        if (end.ec != std::errc() || end.ptr != digits.data() + digits.size() || id < 0 ||
            static_cast<std::uint32_t>(id) >= rules.vocabulary)
            return reader.refuse(
                errc::invalid_value,
                digits.substr(0, 64),
                "'logit_bias' names '" + std::string(digits.substr(0, 64)) +
                    "', which is no token id below " + std::to_string(rules.vocabulary) + "."
            );
        const auto bias = reader.number(digits, -100, 100);
        if (value.is_null()) reader.refuse_type(digits, "a number");
        if (reader.is_refused()) return;
        // "7" and "07" are one id: the later one counts.
        std::erase_if(out, [&](const token_bias& other) { return other.id == id; });
        out.push_back({id, static_cast<float>(*bias)});
    }
}

void add_stop(
    field_reader& body,
    const request_rules& rules,
    const json::value& stop,
    const std::string& name,
    std::vector<std::string>& out
) {
    if (!stop.is_string())
        return body.refuse(
            errc::wrong_type,
            name,
            "'" + name + "' must be a string, not " + std::string(kind_of(stop)) + "."
        );
    const auto& text = stop.get_string();
    if (text.empty())
        return body.refuse(errc::invalid_value, name, "'" + name + "' must not be empty.");
    if (text.size() > rules.most.max_stop_bytes)
        return body.refuse(
            errc::invalid_value,
            name,
            "'" + name + "' is longer than " + std::to_string(rules.most.max_stop_bytes) + " bytes."
        );
    out.emplace_back(text);
}

void read_stops(field_reader& body, const request_rules& rules, std::vector<std::string>& out) {
    const json::value* stop = body.find("stop");
    if (!stop) return;
    if (stop->is_string()) return add_stop(body, rules, *stop, "stop", out);
    if (!stop->is_array()) return body.refuse_type("stop", "a string or an array of strings");
    const auto& list = stop->get_array();
    if (list.size() > rules.most.max_stops)
        return body.refuse(
            errc::invalid_value,
            "stop",
            "'stop' holds " + std::to_string(list.size()) + " strings; at most " +
                std::to_string(rules.most.max_stops) + " are possible."
        );
    for (std::size_t i = 0; i < list.size(); ++i)
        add_stop(body, rules, list[i], "stop[" + std::to_string(i) + "]", out);
}

void read_stop_ids(field_reader& body, const request_rules& rules, std::vector<token_id>& out) {
    if (!body.flag("ignore_eos").value_or(false)) out = rules.stop_ids;
    const json::array* ids = body.array("stop_token_ids");
    if (!ids) return;
    if (ids->size() > rules.most.max_stop_ids)
        return body.refuse(
            errc::invalid_value,
            "stop_token_ids",
            "'stop_token_ids' holds more than " + std::to_string(rules.most.max_stop_ids) + " ids."
        );
    for (std::size_t i = 0; i < ids->size(); ++i) {
        const std::string name = "stop_token_ids[" + std::to_string(i) + "]";
        const auto* id = (*ids)[i].if_int64();
        if (!id)
            return body.refuse(
                errc::wrong_type,
                name,
                "'" + name + "' must be an integer, not " + std::string(kind_of((*ids)[i])) + "."
            );
        if (*id < 0 || *id >= rules.vocabulary)
            return body.refuse(
                errc::invalid_value,
                name,
                "'" + name + "' must be a token id below " + std::to_string(rules.vocabulary) + "."
            );
        out.push_back(static_cast<token_id>(*id));
    }
}

void read_lengths(field_reader& body, answer_settings& out) {
    // The newer name wins where both are given, as at OpenAI.
    for (const std::string_view name : {"max_tokens", "max_completion_tokens"})
        if (const auto tokens = body.integer(name, 1, tokens_max)) {
            out.max_tokens = static_cast<std::uint32_t>(*tokens);
            out.max_tokens_field = name;
        }
    if (const auto tokens = body.integer("min_tokens", 0, tokens_max))
        out.min_tokens = static_cast<std::uint32_t>(*tokens);
    if (out.max_tokens && out.min_tokens > *out.max_tokens)
        body.refuse(
            errc::invalid_value,
            "min_tokens",
            "'min_tokens' is " + std::to_string(out.min_tokens) + ", more than '" +
                out.max_tokens_field + "' allows."
        );
}

void read_stream(field_reader& body, answer_settings& out) {
    out.stream = body.flag("stream").value_or(false);
    const json::object* options = body.object("stream_options");
    if (!options) return;
    if (!out.stream)
        return body.refuse(
            errc::invalid_value,
            "stream_options",
            "'stream_options' is possible only where 'stream' is true."
        );
    field_reader reader(*options, body.fault(), "stream_options");
    out.include_usage = reader.flag("include_usage").value_or(false);
}

void read_response_format(field_reader& body) {
    const json::object* format = body.object("response_format");
    if (!format) return;
    field_reader reader(*format, body.fault(), "response_format");
    const json::string* type = reader.text("type");
    if (reader.is_refused()) return;
    if (!type) {
        return reader.refuse(errc::missing_field, "type", "'response_format.type' is missing.");
    }
    if (*type == "text") return;
    const bool known = *type == "json_object" || *type == "json_schema";
    reader.refuse(
        errc::invalid_value,
        "type",
        known
            ? "The response format '" + std::string(*type) + "' is not supported yet; only 'text'."
            : std::string("'response_format.type' must be 'text'.")
    );
}

// Members whose presence asks for what is not there.
constexpr std::string_view unsupported[] = {
    "guided_json",
    "guided_regex",
    "guided_choice",
    "guided_grammar",
    "structured_outputs",
    "prompt_logprobs",
    "truncate_prompt_tokens",
    "bad_words",
    "logits_processors",
    "prompt_embeds",
};
constexpr std::string_view unsupported_if_true[] = {
    "use_beam_search",
    "continue_final_message",
    "include_stop_str_in_output",
    "echo",
};

void refuse_unsupported(field_reader& body) {
    const auto refuse = [&](std::string_view name) {
        body.refuse(
            errc::invalid_value,
            name,
            "'" + std::string(name) + "' is not supported by this worker."
        );
    };
    for (const std::string_view name : unsupported)
        if (body.has(name)) refuse(name);
    for (const std::string_view name : unsupported_if_true)
        if (body.flag(name).value_or(false)) refuse(name);
    if (const auto best_of = body.integer("best_of", 1, tokens_max); best_of && *best_of != 1)
        refuse("best_of");
    if (body.flag("skip_special_tokens") == false) refuse("skip_special_tokens");
}

}  // namespace

answer_settings read_answer_settings(field_reader& body, const request_rules& rules) {
    answer_settings out;
    read_model(body, rules);
    refuse_unsupported(body);
    read_sampling(body, rules, out.sampling);
    read_bias(body, rules, out.bias);
    read_stops(body, rules, out.stops);
    read_stop_ids(body, rules, out.stop_ids);
    std::sort(out.stop_ids.begin(), out.stop_ids.end());
    out.stop_ids.erase(std::unique(out.stop_ids.begin(), out.stop_ids.end()), out.stop_ids.end());
    read_lengths(body, out);
    read_stream(body, out);
    read_response_format(body);
    constexpr auto any = std::numeric_limits<std::int64_t>::max();
    if (const auto seed = body.integer("seed", -any - 1, any))
        out.seed = static_cast<std::uint64_t>(*seed);
    if (const auto n = body.integer("n", 1, rules.most.max_choices))
        out.num_choices = static_cast<std::uint32_t>(*n);
    if (const json::string* salt = body.text("cache_salt")) {
        if (salt->size() > rules.most.max_salt_bytes)
            body.refuse(
                errc::invalid_value,
                "cache_salt",
                "'cache_salt' is longer than " + std::to_string(rules.most.max_salt_bytes) +
                    " bytes."
            );
        out.cache_salt = *salt;
    }
    return out;
}

void read_chat_logprobs(field_reader& body, answer_settings& out) {
    constexpr std::int64_t most = 20;
    out.logprobs = body.flag("logprobs").value_or(false);
    const auto top = body.integer("top_logprobs", 0, most);
    if (!top) return;
    if (!out.logprobs && *top > 0)
        return body.refuse(
            errc::invalid_value,
            "top_logprobs",
            "'top_logprobs' is possible only where 'logprobs' is true."
        );
    out.top_logprobs = static_cast<std::uint8_t>(*top);
}

void read_completion_logprobs(field_reader& body, answer_settings& out) {
    constexpr std::int64_t most = 5;
    const auto top = body.integer("logprobs", 0, most);
    out.logprobs = top.has_value();
    out.top_logprobs = static_cast<std::uint8_t>(top.value_or(0));
}

}  // namespace penstock::worker
