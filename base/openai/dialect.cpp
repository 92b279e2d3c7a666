// The names of dialects, as metrics and logs say them.
#include "penstock/openai/dialect.hpp"

#include <array>

namespace penstock::openai {

std::string_view name_of(dialect d) noexcept {
    static constexpr std::array<std::string_view, num_dialects> names{
        "chat",
        "completions",
        "fim",
        "embeddings",
        "rerank",
        "responses",
        "messages",
        "transcription",
        "speech",
        "tokenize",
        "none"
    };
    return names[static_cast<std::size_t>(d)];
}

}  // namespace penstock::openai
