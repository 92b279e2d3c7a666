// Which wire format a route speaks.
#pragma once

#include <cstdint>
#include <string_view>

namespace penstock::openai {

enum class dialect : std::uint8_t {
    chat,           // /v1/chat/completions
    completions,    // /v1/completions
    fim,            // /v1/fim/completions (Mistral)
    embeddings,     // /v1/embeddings
    rerank,         // /v1/rerank, /v2/rerank (Cohere, Jina)
    responses,      // /v1/responses
    messages,       // /v1/messages (Anthropic)
    transcription,  // /v1/audio/transcriptions, multipart
    speech,         // /v1/audio/speech
    tokenize,       // /tokenize (vLLM)
    none,           // answered by the gateway itself
};
inline constexpr std::size_t num_dialects = 11;

enum class body_kind : std::uint8_t { none, json, multipart };

// generative: tokens come one by one; one_shot: one answer after one pass.
enum class work_kind : std::uint8_t { generative, one_shot, none };

std::string_view name_of(dialect d) noexcept;

}  // namespace penstock::openai
