// /tokenize and /detokenize, as vLLM has them.
#include "worker/api/answer_json.hpp"
#include "worker/api/handlers.hpp"
#include "worker/text/detokenizer.hpp"

namespace penstock::worker {
namespace {

namespace json = boost::json;

using text_work = stage_result<std::string> (*)(std::string_view body, const served_model& model);

void append_ids(std::string& out, const std::vector<token_id>& ids) {
    out += R"("tokens":[)";
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (i > 0) out += ',';
        append_number(out, static_cast<std::uint64_t>(ids[i]));
    }
    out += ']';
}

// Of a conversation or of a text; exactly one must be there.
stage_result<std::vector<token_id>> encode_either(
    field_reader& body, first_fault& fault, const served_model& model
) {
    if (body.has("messages")) {
        chat_request conversation;
        read_conversation(body, model.rules, conversation);
        if (body.has("prompt"))
            body.refuse(
                errc::ambiguous_field, "prompt", "Either 'prompt' or 'messages' must be there."
            );
        if (fault) return std::move(*fault);
        return encode_conversation(conversation, model, nullptr);
    }
    const json::string* prompt = body.text("prompt");
    const bool add = body.flag("add_special_tokens").value_or(true);
    if (!prompt) body.refuse(errc::missing_field, "prompt", "'prompt' is missing.");
    if (fault) return std::move(*fault);
    return encode_raw(*prompt, add, model.tokens);
}

stage_result<std::string> tokenize_body(std::string_view text, const served_model& model) {
    TRY(const json::object object, parse_body(text, model.rules.most.json_depth));
    first_fault fault;
    field_reader body(object, fault);
    const bool with_texts = body.flag("return_token_strs").value_or(false);
    TRY(const std::vector<token_id> ids, encode_either(body, fault, model));
    std::string out = R"({"count":)";
    append_number(out, ids.size());
    out += R"(,"max_model_len":)";
    append_number(out, model.rules.max_positions);
    out += ',';
    append_ids(out, ids);
    if (with_texts) {
        out += R"(,"token_strs":[)";
        for (std::size_t i = 0; i < ids.size(); ++i) {
            if (i > 0) out += ',';
            append_json_string(out, model.tokens.bytes(ids[i]));
        }
        out += ']';
    }
    out += '}';
    return out;
}

stage_result<std::string> detokenize_body(std::string_view text, const served_model& model) {
    TRY(const json::object object, parse_body(text, model.rules.most.json_depth));
    first_fault fault;
    field_reader body(object, fault);
    const json::array* ids = body.array("tokens");
    if (fault) return std::move(*fault);
    if (!ids) return refusal(errc::missing_field, "'tokens' is missing.", "tokens");
    detokenizer characters;
    std::string prompt;
    for (std::size_t i = 0; i < ids->size(); ++i) {
        const auto* id = (*ids)[i].if_int64();
        const bool is_known = id && *id >= 0 && *id < model.tokens.size();
        if (!is_known) {
            const std::string name = "tokens[" + std::to_string(i) + "]";
            return refusal(
                id ? errc::invalid_value : errc::wrong_type,
                "'" + name + "' must be a token id below " + std::to_string(model.tokens.size()) +
                    ".",
                name
            );
        }
        characters.push(model.tokens.bytes(static_cast<token_id>(*id)), prompt);
    }
    characters.finish(prompt);
    std::string out = R"({"prompt":)";
    append_json_string(out, prompt);
    out += '}';
    return out;
}

io::task<stage_result<>> respond_with(request_scope& r, text_work work) {
    CO_CHECK(r.x.read_body());
    std::optional<stage_result<std::string>> made;
    const std::string_view body = r.x.body();
    const served_model& model = r.host.model();
    const bool ran = co_await run_text_work(r, [&] { made.emplace(work(body, model)); });
    if (!ran) co_return refusal(errc::queue_full, "Too many long texts wait to be read.");
    if (made->has_error()) co_return std::move(*made).error();
    auto sent = co_await r.respond(200, "application/json", made->value());
    co_return std::move(sent);
}

}  // namespace

io::task<stage_result<>> tokenize(request_scope& r) {
    return respond_with(r, tokenize_body);
}

io::task<stage_result<>> detokenize(request_scope& r) {
    return respond_with(r, detokenize_body);
}

}  // namespace penstock::worker
