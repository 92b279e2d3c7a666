// How many tokens a prompt has, from its bytes alone.
//
// Measured bytes a token (Qwen 2.5 and 3 / XLM-RoBERTa's SentencePiece):
//     English prose 4.7 / 4.6    Python 5.1 / 4.0    C++ 3.4 / 2.5    JSON 1.9 / 2.0
//     tool schemas  3.5 / 2.3    Russian 6.4 / 8.0   Arabic 4.3 / 5.3 Greek 2.2 / 6.6
//     Chinese       5.5 / 5.1    Japanese 5.1 / 6.0  Korean 4.3 / 5.7 Hindi 2.8 / 9.8
//     emoji         3.8 / 3.8    "aaaa…" 8.0 / 5.0   digits 1.0 / 2.5 base64 1.4 / 1.3
// The factors lean to the short side of prose, since too small a pool costs a second attempt. The
// error is half the estimate: then the lower bound stands at 8 bytes a token for Latin text and 9
// and more for the others, which no real text measured passes; only runs of one character (spaces,
// dashes: 60 and more bytes a token) do.
#include "policies/length/estimate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace penstock::length {
namespace {

constexpr double latin_bytes = 4.0;
constexpr double two_byte_letters = 5.0;
constexpr double three_byte_letters = 4.5;
constexpr double four_byte_letters = 4.0;
constexpr double tool_bytes = 3.4;
constexpr double text_error = 0.5;

// A chat template's own tokens: role, separators and end of turn.
constexpr double message_tokens = 5;
// 85 for a thumbnail, 1 500 for a full page; nobody says in the request.
constexpr double image_tokens = 800, image_error = 700;
// A clip inside a chat message: 25 tokens a second, of some seconds to a minute.
constexpr double clip_tokens = 750, clip_error = 700;

std::uint32_t saturated(double tokens) noexcept {
    constexpr double most = std::numeric_limits<std::uint32_t>::max();
    return tokens >= most ? std::numeric_limits<std::uint32_t>::max()
                          : static_cast<std::uint32_t>(std::lround(tokens));
}

}  // namespace

estimate estimate_prompt(const openai::request_facts& facts) noexcept {
    const openai::text_bytes& text = facts.text;
    const double guessed = text.latin / latin_bytes + text.cyrillic / two_byte_letters +
                           text.cjk / three_byte_letters + text.other / four_byte_letters +
                           text.tools / tool_bytes + facts.num_messages * message_tokens;
    // Of an upload num_audio counts bytes, and none of them is a token of a prompt.
    const double clips = facts.body == openai::body_kind::multipart ? 0 : facts.num_audio;
    const double exact = static_cast<double>(facts.token_ids);
    return {
        .tokens =
            saturated(exact + guessed + facts.num_images * image_tokens + clips * clip_tokens),
        .error =
            saturated(guessed * text_error + facts.num_images * image_error + clips * clip_error),
        .inputs = std::max(1u, facts.num_inputs),
    };
}

std::uint32_t expected_output(const openai::request_facts& facts, std::uint32_t limit) noexcept {
    if (facts.work != openai::work_kind::generative) return 0;
    const std::uint32_t each = limit == 0 ? default_output : std::min(limit, default_output);
    return saturated(static_cast<double>(each) * std::max(1u, facts.n));
}

}  // namespace penstock::length
