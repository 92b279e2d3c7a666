// A tokenizer with one token for each byte, the added tokens of Qwen's models, and a chat template:
// ids and texts can be worked out by hand.
#pragma once

#include "worker/text/chat_template.hpp"
#include "worker/text/small_vocabulary.hpp"
#include "worker/text/tokenizer.hpp"

#include <boost/json.hpp>

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::worker::test {

// The id of a byte is the byte. Behind them:
enum added_id : token_id {
    end_of_text = 256,
    im_start,
    im_end,
    think,
    end_think,
    tool_call,
    end_tool_call,
    fim_prefix,
    fim_middle,
    fim_suffix,
    num_tokens,
};

struct added_text {
    const char* text;
    bool special;
};

inline constexpr added_text added_texts[] = {
    {"<|endoftext|>", true},
    {"<|im_start|>", true},
    {"<|im_end|>", true},
    {"<think>", false},
    {"</think>", false},
    {"<tool_call>", false},
    {"</tool_call>", false},
    {"<|fim_prefix|>", false},
    {"<|fim_middle|>", false},
    {"<|fim_suffix|>", false},
};

// `num_added`: of the added tokens, from the first on.
inline std::string tokenizer_json(std::size_t num_added = std::size(added_texts)) {
    boost::json::array added;
    for (std::size_t i = 0; i < num_added; ++i) {
        const auto id = static_cast<token_id>(end_of_text + i);
        const auto& [text, special] = added_texts[i];
        added.push_back(
            special ? added_token_json(id, text, {"special"}) : added_token_json(id, text, {})
        );
    }
    return boost::json::serialize(small_file({}, std::move(added)));
}

inline constexpr std::string_view template_text =
    "{%- if tools %}<|im_start|>system\n{% for tool in tools %}{{ tool | tojson }}\n{% endfor %}"
    "<|im_end|>\n{% endif %}"
    "{%- for message in messages %}"
    "<|im_start|>{{ message.role }}\n{{ message.content }}"
    "{%- for call in message.tool_calls or [] %}"
    "<tool_call>{{ call.function.name }}{{ call.function.arguments | tojson }}</tool_call>"
    "{%- endfor %}<|im_end|>\n"
    "{% endfor %}"
    "{%- if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if think %}<think>\n{% endif %}{% endif %}";

template <class T>
T must(result<T> made) {
    if (made.has_error()) throw std::runtime_error(made.error().detail);
    return std::move(made).value();
}

inline tokenizer tiny_tokenizer(std::size_t num_added = std::size(added_texts)) {
    return must(tokenizer::parse(tokenizer_json(num_added)));
}

inline chat_template tiny_template() {
    return must(chat_template::parse(template_text, {}));
}

// The ids of a text's bytes.
inline std::vector<token_id> ids_of(std::string_view text) {
    std::vector<token_id> ids;
    for (const char c : text)
        ids.push_back(static_cast<unsigned char>(c));
    return ids;
}

}  // namespace penstock::worker::test
