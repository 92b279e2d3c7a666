// Answers of /v1/chat/completions.
#include "worker/api/answer_json.hpp"

namespace penstock::worker {
namespace {

void append_token(std::string& out, const alternative& token) {
    out += R"({"token":)";
    append_json_string(out, token.bytes);
    out += R"(,"logprob":)";
    append_logprob(out, token.logprob);
    out += R"(,"bytes":[)";
    for (std::size_t i = 0; i < token.bytes.size(); ++i) {
        if (i > 0) out += ',';
        append_number(out, static_cast<unsigned char>(token.bytes[i]));
    }
    out += ']';
}

// `"logprobs":{"content":[…]}` or null.
void append_logprobs(std::string& out, const std::vector<token_text>& tokens) {
    out += R"("logprobs":)";
    if (tokens.empty()) {
        out += "null";
        return;
    }
    out += R"({"content":[)";
    bool first = true;
    for (const token_text& token : tokens) {
        if (!std::exchange(first, false)) out += ',';
        append_token(out, token);
        out += R"(,"top_logprobs":[)";
        for (std::size_t i = 0; i < token.top.size(); ++i) {
            if (i > 0) out += ',';
            append_token(out, token.top[i]);
            out += '}';
        }
        out += "]}";
    }
    out += R"(],"refusal":null})";
}

class chat_writer final : public answer_writer {
 public:
    explicit chat_writer(answer_names names)
        : names_(std::move(names)), call_prefix_(names_.id.substr(names_.id.find('-') + 1)) {
        append_names(chunk_head_, names_, "chat.completion.chunk");
    }

    void begin(std::string& out, std::uint32_t choice) override {
        open_chunk(out, choice);
        out += R"("role":"assistant","content":"")";
        close_chunk(out, {}, finish_reason::none);
    }

    void chunk(std::string& out, std::uint32_t choice, const answer_delta& delta, finish_reason why)
        override {
        open_chunk(out, choice);
        const char* comma = "";
        const auto add = [&](std::string_view name, std::string_view text) {
            if (text.empty()) return;
            out += std::exchange(comma, ",");
            append_json_string(out, name);
            out += ':';
            append_json_string(out, text);
        };
        add("reasoning_content", delta.reasoning);
        add("content", delta.content);
        if (!delta.calls.empty()) {
            out += comma;
            append_calls(out, choice, delta.calls, true);
        }
        close_chunk(out, delta.tokens, why);
    }

    void usage(std::string& out, const answer_usage& used) override {
        out += "data: ";
        out += chunk_head_;
        out += R"(,"choices":[],)";
        append_usage(out, used);
        out += "}\n\n";
    }

    std::string whole(std::span<const whole_choice> choices, const answer_usage& used) override {
        std::string out;
        append_names(out, names_, "chat.completion");
        out += R"(,"choices":[)";
        for (std::uint32_t i = 0; i < choices.size(); ++i) {
            if (i > 0) out += ',';
            append_choice(out, i, choices[i]);
        }
        out += "],";
        append_usage(out, used);
        out += '}';
        return out;
    }

 private:
    void open_chunk(std::string& out, std::uint32_t choice) const {
        out += "data: ";
        out += chunk_head_;
        out += R"(,"choices":[{"index":)";
        append_number(out, choice);
        out += R"(,"delta":{)";
    }

    void close_chunk(std::string& out, const std::vector<token_text>& tokens, finish_reason why)
        const {
        out += "},";
        append_logprobs(out, tokens);
        out += ',';
        append_finish(out, why);
        out += names_.null_usage ? "}],\"usage\":null}\n\n" : "}]}\n\n";
    }

    // An index of its own is for streams only; a call that goes on has neither id nor name.
    void append_calls(
        std::string& out, std::uint32_t choice, const std::vector<call_text>& calls, bool streamed
    ) const {
        out += R"("tool_calls":[)";
        const char* comma = "";
        for (const call_text& call : calls) {
            out += std::exchange(comma, ",");
            out += '{';
            if (streamed) {
                out += R"("index":)";
                append_number(out, call.index);
                out += ',';
            }
            if (call.begins) {
                out += R"("id":"call_)";
                out += call_prefix_;
                out += '-';
                append_number(out, choice);
                out += '-';
                append_number(out, call.index);
                out += R"(","type":"function",)";
            }
            out += R"("function":{)";
            if (call.begins) {
                out += R"("name":)";
                append_json_string(out, call.name);
                out += ',';
            }
            out += R"("arguments":)";
            append_json_string(out, call.arguments);
            out += "}}";
        }
        out += ']';
    }

    void append_choice(std::string& out, std::uint32_t index, const whole_choice& one) const {
        const answer_delta& text = one.text;
        out += R"({"index":)";
        append_number(out, index);
        out += R"(,"message":{"role":"assistant","content":)";
        if (text.content.empty() && !text.calls.empty())
            out += "null";
        else
            append_json_string(out, text.content);
        if (!text.reasoning.empty()) {
            out += R"(,"reasoning_content":)";
            append_json_string(out, text.reasoning);
        }
        if (!text.calls.empty()) {
            out += ',';
            append_calls(out, index, text.calls, false);
        }
        out += "},";
        append_logprobs(out, text.tokens);
        out += ',';
        append_finish(out, one.why);
        out += '}';
    }

    const answer_names names_;
    const std::string call_prefix_;
    std::string chunk_head_;
};

}  // namespace

std::unique_ptr<answer_writer> write_chat(answer_names names) {
    return std::make_unique<chat_writer>(std::move(names));
}

}  // namespace penstock::worker
