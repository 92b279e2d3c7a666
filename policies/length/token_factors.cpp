// How many tokens one model makes of a byte of each kind of text.
//
// Measured bytes a token (Qwen 2.5 and 3 / XLM-RoBERTa's SentencePiece):
//     English prose 4.7 / 4.6    Python 5.1 / 4.0    C++ 3.4 / 2.5    JSON 1.9 / 2.0
//     tool schemas  3.5 / 2.3    Russian 6.4 / 8.0   Arabic 4.3 / 5.3 Greek 2.2 / 6.6
//     Chinese       5.5 / 5.1    Japanese 5.1 / 6.0  Korean 4.3 / 5.7 Hindi 2.8 / 9.8
//     emoji         3.8 / 3.8    "aaaa…" 8.0 / 5.0   digits 1.0 / 2.5 base64 1.4 / 1.3
// What is used before anything is learned leans to the short side of prose, since too small a pool
// costs a second attempt. The ranges hold all of these; only runs of one character (spaces, dashes:
// 60 and more bytes a token) pass them.
#include "policies/length/token_factors.hpp"

#include <algorithm>
#include <cmath>

namespace penstock::length {
namespace {

struct range {
    double least, usual, most;  // tokens of one
};
constexpr std::array<range, num_kinds> ranges{{
    {1 / 8.0, 1 / 4.0, 1 / 1.0},
    {1 / 10.0, 1 / 5.0, 1 / 1.5},
    {1 / 11.0, 1 / 4.5, 1 / 1.5},
    {1 / 8.0, 1 / 4.0, 1 / 1.0},
    {1 / 7.0, 1 / 3.4, 1 / 1.2},
    {2.5, 5, 20},  // role, separators, end of turn
}};

constexpr double error_at_first = 0.5, error_least = 0.02, error_most = 1;
constexpr double error_quantile = 0.9;
constexpr double surprising = 0.25;  // of the guess
constexpr double wrong_most = 0.3;   // of the guess; what is beyond counts as this
constexpr double gain_least = 0.05;
// What a chat template may say by itself: a default system prompt, a date.
constexpr double preamble_most = 64;
constexpr double lessons_before = 2;  // as if so many had been heard: the first gain is 1/2

double sum(const amounts& of, double range::* end) noexcept {
    double tokens = 0;
    for (std::size_t i = 0; i < num_kinds; ++i)
        tokens += of[i] * ranges[i].*end;
    return tokens;
}

double gain_after(double lessons) noexcept {
    return std::max(gain_least, 1 / (lessons_before + lessons));
}

}  // namespace

amounts amounts_of(const openai::request_facts& facts) noexcept {
    const openai::text_bytes& text = facts.text;
    return {
        double(text.latin),
        double(text.cyrillic),
        double(text.cjk),
        double(text.other),
        double(text.tools),
        double(facts.num_messages),
    };
}

bool is_only_text(const openai::request_facts& facts) noexcept {
    return facts.body == openai::body_kind::json && facts.num_images == 0 && facts.num_audio == 0 &&
           facts.token_ids == 0;
}

token_factors::token_factors() noexcept : error_(error_at_first) {
    for (std::size_t i = 0; i < num_kinds; ++i)
        factor_[i] = static_cast<float>(ranges[i].usual);
}

double token_factors::guess(const amounts& of) const noexcept {
    double tokens = 0;
    for (std::size_t i = 0; i < num_kinds; ++i)
        tokens += of[i] * double{factor_[i]};
    return tokens;
}

double token_factors::least(const amounts& of) noexcept {
    return sum(of, &range::least);
}

double token_factors::most(const amounts& of) noexcept {
    return sum(of, &range::most);
}

bool token_factors::surprises(const amounts& of, double tokens) const noexcept {
    const double guessed = guess(of);
    return std::abs(tokens - guessed) > surprising * guessed;
}

void token_factors::learn(const amounts& of, double tokens) noexcept {
    const double guessed = guess(of);
    if (guessed <= 0 || tokens < least(of) || tokens > most(of) + preamble_most) return;

    // The quantile by stochastic approximation: up and down in the ratio that leaves one in ten
    // above.
    const bool above = std::abs(guessed - tokens) > error() * tokens;
    const double up = above ? error_quantile : error_quantile - 1;
    const double error = error_ * std::exp(gain_after(lessons_) * up);
    error_ = static_cast<float>(std::clamp(error, error_least, error_most));
    lessons_ = static_cast<float>(std::min(lessons_ + 1.0, 1e6));

    const double wrong = std::clamp(tokens / guessed - 1, -wrong_most, wrong_most);
    for (std::size_t i = 0; i < num_kinds; ++i) {
        const double share = of[i] * double{factor_[i]} / guessed;
        const double step = gain_after(heard_[i]) * share * wrong;
        const double factor = double{factor_[i]} * (1 + step);
        factor_[i] = static_cast<float>(std::clamp(factor, ranges[i].least, ranges[i].most));
        heard_[i] = static_cast<float>(std::min(heard_[i] + share, 1e6));
    }
}

}  // namespace penstock::length
