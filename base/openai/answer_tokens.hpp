// One look at the raw bytes of an answer's JSON. A quote inside a string is always escaped, so that
// `"usage"`, quotes included, is in the bytes only where a whole string is just that word: text
// that merely speaks of usage is never taken for it.
#pragma once

#include <string_view>

namespace penstock::openai {

struct answer_tokens {
    bool content = false;  // text, reasoning or a call of a tool that is not empty
    bool look = false;     // a member `usage` or `error` that is not null, or a value "error"
};
answer_tokens tokens_of(std::string_view json) noexcept;

// Whether a member `choices` begins with a choice. The bytes may end anywhere.
bool has_choice(std::string_view bytes) noexcept;

}  // namespace penstock::openai
