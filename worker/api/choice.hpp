// The text of one answer as its tokens come: bytes, characters, parts of an answer, stop strings.
// Pure; on the loop's thread.
//
// Stop strings are looked for in the content alone, not in reasoning or in tool calls, and not
// before `min_tokens`. Log
// probabilities are those of every token up to the one that ends the answer, which has none: of a
// stop string the tokens that it is made of are among them, though their text is not given out.
#pragma once

#include "worker/api/prepare.hpp"
#include "worker/api/served_model.hpp"
#include "worker/text/answer_splitter.hpp"
#include "worker/text/detokenizer.hpp"
#include "worker/text/stop_matcher.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::worker {

enum class finish_reason : std::uint8_t { none, stop, length, tool_calls };
std::string_view text_of(finish_reason why) noexcept;  // "stop" …; empty for none

struct call_text {
    std::uint32_t index = 0;
    bool begins = false;    // `name` is here
    std::string name;       // whole
    std::string arguments;  // what came of them, verbatim
};

struct alternative {
    std::string_view bytes;  // of the tokenizer's
    float logprob = 0;
};

struct token_text : alternative {
    std::vector<alternative> top;  // most likely first
};

// What came since the last one was taken.
struct answer_delta {
    std::string reasoning, content;
    std::vector<call_text> calls;
    std::vector<token_text> tokens;  // where log probabilities were asked for

    bool is_empty() const noexcept {
        return reasoning.empty() && content.empty() && calls.empty() && tokens.empty();
    }
};

class choice {
 public:
    choice(const prepared_request& request, const served_model& model);

    // The next token. True: a stop string is complete, and the answer has ended with it.
    bool push(const sampled_token& token);
    // The engine ended it: what was held back comes out. Once, unless a stop string ended it.
    void finish(bool by_length);

    bool has_finished() const noexcept { return reason_ != finish_reason::none; }
    finish_reason reason() const noexcept { return reason_; }
    // Generated, the one that ended the answer included, whether or not they have text.
    std::uint32_t num_tokens() const noexcept { return num_tokens_; }
    answer_delta take() noexcept { return std::exchange(delta_, {}); }
    bool has_anything() const noexcept { return !delta_.is_empty(); }

 private:
    void add_logprob(const sampled_token& token);
    void add_text(std::string_view text);
    void add_marker(answer_marker marker);
    void add_content(std::string_view text);
    void take_pieces();
    void end(finish_reason why) noexcept;

    const served_model& model_;
    const std::vector<token_id>& stop_ids_;  // of the request
    const std::uint32_t min_tokens_;
    const bool logprobs_, tool_calls_, reasoning_;
    detokenizer characters_;
    std::optional<answer_splitter> parts_;  // of a chat
    std::optional<stop_matcher> stops_;
    std::vector<answer_piece> pieces_;
    answer_delta delta_;
    std::uint32_t num_tokens_ = 0;
    bool stopped_ = false;  // by a stop string
    finish_reason reason_ = finish_reason::none;
};

}  // namespace penstock::worker
