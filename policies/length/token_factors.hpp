// How many tokens one model makes of a byte of each kind of text, learned from what its engines say
// of the prompts that they read.
#pragma once

#include "penstock/openai/facts.hpp"

#include <array>
#include <cstddef>

namespace penstock::length {

// What a prompt is made of: bytes of text by the length of their code points, bytes of tool
// schemas, and messages, each of which costs the chat template some tokens of its own.
enum class kind : std::uint8_t { latin, two_byte, three_byte, four_byte, tools, message };
inline constexpr std::size_t num_kinds = 6;
using amounts = std::array<double, num_kinds>;

amounts amounts_of(const openai::request_facts& facts) noexcept;

// True when text alone explains the tokens of the prompt: images, audio, uploads and token ids have
// tokens of their own, so a prompt with any of them teaches nothing.
bool is_only_text(const openai::request_facts& facts) noexcept;

// A value. O(kinds) for each call, nothing allocates.
//
// A lesson moves each factor by its share of the guess, so that a mixed prompt teaches each of its
// kinds a little: a normalised LMS step in relative units, whose gain falls as 1/lessons to a
// floor. No factor leaves its range, whatever is said; one lesson counts as wrong by 30 % at most.
class token_factors {
 public:
    token_factors() noexcept;

    // Tokens.
    double guess(const amounts& of) const noexcept;
    // No fewer and no more, whatever the model: by the ends of the factors' ranges.
    static double least(const amounts& of) noexcept;
    static double most(const amounts& of) noexcept;

    // Share by which nine of ten guesses are wrong at most; 0.5 before anything is known.
    double error() const noexcept { return error_; }
    // `tokens` are so far from the guess (a quarter of it) that they are news or nonsense.
    bool surprises(const amounts& of, double tokens) const noexcept;

    // The engine read `tokens` in this prompt. Tokens that no factors could explain teach nothing.
    void learn(const amounts& of, double tokens) noexcept;

    double tokens_per(kind which) const noexcept {
        return factor_[static_cast<std::size_t>(which)];
    }

 private:
    std::array<float, num_kinds> factor_;   // tokens of a byte, or of a message
    std::array<float, num_kinds> heard_{};  // lessons, by share
    float error_;
    float lessons_ = 0;
};

}  // namespace penstock::length
