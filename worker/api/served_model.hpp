// The model as the API knows it: its names, its text, its rules. Immutable once it serves.
#pragma once

#include "worker/api/generation_defaults.hpp"
#include "worker/api/request_rules.hpp"
#include "worker/engine/engine.hpp"
#include "worker/text/answer_splitter.hpp"
#include "worker/text/chat_template.hpp"
#include "worker/text/tokenizer.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace penstock::worker {

// Tokens that say where reasoning and tool calls begin and end; a vocabulary may have none.
class marker_tokens {
 public:
    marker_tokens() = default;
    explicit marker_tokens(const tokenizer& tokens);

    std::optional<answer_marker> find(token_id id) const noexcept;
    bool has(answer_marker marker) const noexcept;

 private:
    std::array<std::optional<token_id>, 4> ids_;
};

struct served_model {
    served_model(
        std::string name,
        tokenizer tokens,
        std::optional<chat_template> chat,
        const generation_defaults& defaults
    );

    // Takes the facts of the engine that runs it.
    void fit(const engine& running);

    request_rules rules;
    std::string root;          // the folder's name, as /v1/models says it
    std::int64_t created = 0;  // in seconds since 1970
    std::string fingerprint;   // equal bits are promised where it is equal
    tokenizer tokens;
    std::optional<chat_template> chat;  // without one only /v1/completions is served
    marker_tokens markers;
};

}  // namespace penstock::worker
