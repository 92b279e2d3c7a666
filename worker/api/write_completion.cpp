// Answers of /v1/completions.
#include "worker/api/answer_json.hpp"

#include <algorithm>

namespace penstock::worker {
namespace {

std::size_t num_characters(std::string_view text) noexcept {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
}

class completion_writer final : public answer_writer {
 public:
    completion_writer(answer_names names, std::uint32_t num_choices)
        : names_(std::move(names)), offsets_(num_choices) {
        append_names(head_, names_, "text_completion");
    }

    void begin(std::string&, std::uint32_t) override {}

    void chunk(std::string& out, std::uint32_t choice, const answer_delta& delta, finish_reason why)
        override {
        out += "data: ";
        out += head_;
        out += R"(,"choices":[)";
        append_choice(out, choice, delta, why);
        out += names_.null_usage ? "],\"usage\":null}\n\n" : "]}\n\n";
    }

    void usage(std::string& out, const answer_usage& used) override {
        out += "data: ";
        out += head_;
        out += R"(,"choices":[],)";
        append_usage(out, used);
        out += "}\n\n";
    }

    std::string whole(std::span<const whole_choice> choices, const answer_usage& used) override {
        std::string out = head_;
        out += R"(,"choices":[)";
        for (std::uint32_t i = 0; i < choices.size(); ++i) {
            if (i > 0) out += ',';
            append_choice(out, i, choices[i].text, choices[i].why);
        }
        out += "],";
        append_usage(out, used);
        out += '}';
        return out;
    }

 private:
    void append_choice(
        std::string& out, std::uint32_t choice, const answer_delta& delta, finish_reason why
    ) {
        out += R"({"index":)";
        append_number(out, choice);
        out += R"(,"text":)";
        append_json_string(out, delta.content);
        out += R"(,"logprobs":)";
        append_logprobs(out, delta.tokens, offsets_[choice]);
        out += ',';
        append_finish(out, why);
        out += '}';
    }

    // Four lists of equal length; offsets are in characters of the answer.
    static void append_logprobs(
        std::string& out, const std::vector<token_text>& tokens, std::size_t& offset
    ) {
        if (tokens.empty()) {
            out += "null";
            return;
        }
        const auto list = [&](std::string_view name, auto&& append_one) {
            append_json_string(out, name);
            out += ":[";
            const char* comma = "";
            for (const token_text& token : tokens) {
                out += std::exchange(comma, ",");
                append_one(token);
            }
            out += ']';
        };
        out += '{';
        list("tokens", [&](const token_text& token) { append_json_string(out, token.bytes); });
        out += ',';
        list("token_logprobs", [&](const token_text& t) { append_logprob(out, t.logprob); });
        out += ',';
        list("top_logprobs", [&](const token_text& token) { append_top(out, token); });
        out += ',';
        list("text_offset", [&](const token_text& token) {
            append_number(out, offset);
            offset += num_characters(token.bytes);
        });
        out += '}';
    }

    // An object by text: of tokens with the same text, which are parts of characters, the likelier
    // one is said. The chosen token is always there.
    static void append_top(std::string& out, const token_text& token) {
        std::vector<std::string> said;
        const auto say = [&](const alternative& one) {
            std::string text;
            append_json_string(text, one.bytes);
            if (std::find(said.begin(), said.end(), text) != said.end()) return;
            if (!said.empty()) out += ',';
            out += text;
            out += ':';
            append_logprob(out, one.logprob);
            said.push_back(std::move(text));
        };
        out += '{';
        for (const alternative& each : token.top)
            say(each);
        say(token);
        out += '}';
    }

    const answer_names names_;
    std::string head_;
    std::vector<std::size_t> offsets_;  // of each choice's next token
};

}  // namespace

std::unique_ptr<answer_writer> write_completion(answer_names names, std::uint32_t num_choices) {
    return std::make_unique<completion_writer>(std::move(names), num_choices);
}

}  // namespace penstock::worker
