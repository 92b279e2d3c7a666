// Chooses the next token of one row of logits. Keeps its memory from row to row.
#pragma once

#include "worker/ops/cpu/heaviest.hpp"
#include "worker/ops/sampling.hpp"

#include <span>
#include <vector>

namespace penstock::worker {

class sampler {
 public:
    // A logit that is no number is read as -∞; what has -∞ is never chosen. When nothing is left to
    // choose from, it is the lowest id that is not forbidden. Logprobs are finite: the lowest float
    // stands for a probability of 0.
    sampled_token choose(std::span<const float> logits, const sampling_row& row);

 private:
    void score(std::span<const float> logits, const sampling_row& row);
    token_id draw(const sampling_row& row);
    void scale(float temperature, float largest);
    void weigh();
    void keep_likely(const sampling_params& params);
    token_id draw_one(std::uint64_t seed, std::uint32_t index) const noexcept;
    void add_logprobs(
        std::span<const float> logits, const sampling_row& row, sampled_token& chosen
    );

    std::vector<float> scores_;  // of the ids that have a text
    std::vector<candidate> candidates_;
};

}  // namespace penstock::worker
