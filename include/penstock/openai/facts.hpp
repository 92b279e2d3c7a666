// Every fact that any stage will need of a request body, taken in one scan, with byte offsets.
#pragma once

#include "penstock/openai/dialect.hpp"
#include "penstock/refusal.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace penstock::openai {

// Bytes [begin, end) of the body. Empty and at 0: absent.
struct byte_range {
    std::uint32_t begin = 0, end = 0;
    bool present() const noexcept { return end > begin; }
    std::uint32_t size() const noexcept { return end - begin; }
};

// A top-level member: its value, and what to cut to remove it (name, value and one comma).
struct member {
    byte_range value;
    byte_range whole;
};

// Decoded UTF-8 bytes of text fields, by kind: what a token estimate is made of. `\u0430` counts as
// two. Everything under `messages`, `input`, `prompt`, `suffix`, `system`, `instructions`, `query`,
// `documents`, `texts` and `tools` counts, in the kind that the text mostly is.
struct text_bytes {
    std::uint32_t latin = 0;     // one-byte code points
    std::uint32_t cyrillic = 0;  // two-byte code points
    std::uint32_t cjk = 0;       // three-byte code points
    std::uint32_t other = 0;     // four-byte code points
    std::uint32_t tools = 0;     // of tool definitions and schemas, not counted above
    std::uint32_t total() const noexcept { return latin + cyrillic + cjk + other + tools; }
};

struct request_facts {
    dialect spoken = dialect::none;
    body_kind body = body_kind::json;
    work_kind work = work_kind::generative;

    std::string model;       // decoded; empty: absent (allowed where the path names it)
    byte_range model_value;  // with its quotes; of a multipart part: its bytes
    // Where members are inserted: just past the top-level '{'. Where multipart parts are inserted:
    // at the first delimiter.
    std::uint32_t object_begin = 0;
    bool object_empty = false;
    std::uint32_t num_members = 0;  // of the top-level object
    std::string boundary;           // of a multipart body

    bool stream = false;
    byte_range stream_options;           // the whole value
    std::optional<bool> include_usage;   // as the client said
    byte_range include_usage_value;      // `true`, `false` or `null`
    bool stream_options_filled = false;  // an object with members

    std::uint32_t n = 1;  // `n`, or `best_of` where larger
    // The smallest of `max_tokens`, `max_completion_tokens`, `max_output_tokens`; absent: nothing.
    std::optional<std::uint64_t> max_tokens;
    std::vector<byte_range> max_tokens_values;  // every spelling present; null counts as absent
    std::array<std::uint64_t, 3> max_tokens_said{};  // what each of them says
    byte_range max_tokens_null;                      // the first spelling that is null

    text_bytes text;
    std::uint32_t num_inputs = 0;  // embeddings, rerank documents, prompts; one counts too
    std::uint32_t num_images = 0;  // videos too
    std::uint32_t num_audio = 0;
    std::uint64_t token_ids = 0;  // of token-id arrays in `prompt` or `input`
    std::uint32_t num_messages = 0;
    std::uint32_t num_tools = 0;

    std::uint64_t user_hash = 0;  // of `user` (OpenAI) or `metadata.user_id` (Anthropic); 0: absent
    std::uint64_t session_hash = 0;  // of `litellm_session_id` or `prompt_cache_key`; 0: absent
    std::uint64_t prefix_hash = 0;   // of the first 2 KiB of text; 0: no text

    // LiteLLM's own extras, which no upstream understands (reference/gateways.md §4.2), but for
    // `user`, `metadata` and `priority`, which go upstream.
    std::vector<member> strip;
};

struct scan_limits {
    std::uint32_t depth = 64;      // of nested JSON
    std::uint32_t members = 1024;  // of the top-level object
};

// One pass over a whole JSON body. Validates all of it: JSON grammar, UTF-8, depth, no unpaired
// surrogate escapes, numbers within 64 bits or a finite double. Duplicate or escaped spellings of a
// key that we read are refused (errc::ambiguous_field), as are wrong types of such keys; the
// refusal's `param` names the field. `model` may be absent only when `model_from_path`.
stage_result<request_facts> scan_json(
    std::string_view body, dialect spoken, bool model_from_path, const scan_limits& limits
);

// One pass over a multipart/form-data body: `model` and `stream` parts, and the text of `prompt`;
// bytes of `file` count in num_audio. `content_type` is the request's header, boundary included.
stage_result<request_facts> scan_multipart(
    std::string_view body, std::string_view content_type, dialect spoken, bool model_from_path
);

// A stable 64-bit hash (of affinity, users, sessions); never 0 for a non-empty text.
std::uint64_t hash_of(std::string_view text) noexcept;

}  // namespace penstock::openai
