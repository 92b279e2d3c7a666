// Chooses the next token of one row of logits. Its memory is set aside before: it works in a team
// of threads, where nothing may throw.
#pragma once

#include "worker/ops/cpu/heaviest.hpp"
#include "worker/ops/sampling.hpp"

#include <span>
#include <vector>

namespace penstock::worker {

class sampler {
 public:
    // Memory for rows of so many logits; throws when there is none.
    void reserve(std::size_t num_logits);

    // Replaces `chosen`, whose `top` has room for as many as the row asks for. A logit that is no
    // number is read as -∞; what has -∞ is never chosen. When nothing is left to
    // choose from, it is the lowest id that is not forbidden. Logprobs are finite: the lowest float
    // stands for a probability of 0.
    void choose(
        std::span<const float> logits, const sampling_row& row, sampled_token& chosen
    ) noexcept;

 private:
    void score(std::span<const float> logits, const sampling_row& row) noexcept;
    token_id draw(const sampling_row& row) noexcept;
    void scale(float temperature, float largest) noexcept;
    void weigh() noexcept;
    void keep_likely(const sampling_params& params) noexcept;
    token_id draw_one(std::uint64_t seed, std::uint32_t index) const noexcept;
    void add_logprobs(
        std::span<const float> logits, const sampling_row& row, sampled_token& chosen
    ) noexcept;

    std::vector<float> scores_;  // of the ids that have a text
    std::vector<candidate> candidates_;
};

}  // namespace penstock::worker
