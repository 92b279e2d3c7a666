// How many tokens a prompt has: text by the model's factors, token ids exactly, images and audio by
// a guess that nothing in the request makes better.
#include "policies/length/estimate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace penstock::length {
namespace {

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

estimate estimate_prompt(
    const openai::request_facts& facts, const token_factors& factors
) noexcept {
    const amounts text = amounts_of(facts);
    const double guessed = factors.guess(text);
    const double images = facts.num_images;
    // Of an upload num_audio counts bytes, and none of them is a token of a prompt.
    const double clips = facts.body == openai::body_kind::multipart ? 0 : facts.num_audio;
    const double exact = static_cast<double>(facts.token_ids);
    return {
        .tokens = saturated(exact + guessed + images * image_tokens + clips * clip_tokens),
        .error = saturated(guessed * factors.error() + images * image_error + clips * clip_error),
        .at_least = saturated(
            exact + token_factors::least(text) + images * (image_tokens - image_error) +
            clips * (clip_tokens - clip_error)
        ),
        .inputs = std::max(1u, facts.num_inputs),
    };
}

std::uint32_t expected_output(
    const openai::request_facts& facts, std::uint32_t limit, std::uint32_t typical
) noexcept {
    if (facts.work != openai::work_kind::generative) return 0;
    const std::uint32_t each = limit == 0 ? typical : std::min(limit, typical);
    return saturated(static_cast<double>(each) * std::max(1u, facts.n));
}

}  // namespace penstock::length
