// Sampling as a textbook does it: sorting, sums in double precision, one step after another. Says
// which tokens may be chosen and how likely each is.
#pragma once

#include "worker/ops/sampling.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <span>
#include <vector>

namespace penstock::worker {

inline std::vector<double> adjusted_scores(std::span<const float> logits, const sampling_row& row) {
    constexpr double none = -std::numeric_limits<double>::infinity();
    std::vector<double> scores(logits.begin(), logits.end());
    for (double& score : scores)
        if (std::isnan(score)) score = none;
    for (std::size_t i = row.vocabulary; i < scores.size(); ++i)
        scores[i] = none;
    for (const token_id id : row.forbidden)
        scores[std::size_t(id)] = none;
    for (const auto& [id, bias] : row.bias)
        scores[std::size_t(id)] += bias;
    for (const auto& [id, in_prompt, in_output] : row.seen) {
        double& score = scores[std::size_t(id)];
        if (in_prompt + in_output > 0)
            score = score > 0 ? score / row.params->repetition_penalty
                              : score * row.params->repetition_penalty;
        score -= in_output * row.params->frequency_penalty;
        score -= (in_output > 0) * row.params->presence_penalty;
    }
    return scores;
}

// Probability of every token that may be drawn.
inline std::map<token_id, double> drawable(std::span<const float> logits, const sampling_row& row) {
    const sampling_params& p = *row.params;
    const std::vector<double> scores = adjusted_scores(logits, row);
    std::vector<std::pair<double, token_id>> sorted;  // (-score, id): likeliest first
    for (std::size_t i = 0; i < scores.size(); ++i)
        if (std::isfinite(scores[i])) sorted.emplace_back(-scores[i], token_id(i));
    std::ranges::sort(sorted);
    if (p.temperature == 0) return {{sorted.front().second, 1.0}};
    if (p.top_k > 0 && sorted.size() > p.top_k) sorted.resize(p.top_k);

    std::vector<double> weights;
    double total = 0, sum = 0;
    for (const auto& [score, id] : sorted) {
        weights.push_back(std::exp((sorted.front().first - score) / p.temperature));
        total += weights.back();
    }
    std::size_t kept = 0;
    while (kept < sorted.size() && (p.top_p >= 1 || sum < total * p.top_p))
        sum += weights[kept++];
    while (kept > 1 && weights[kept - 1] < p.min_p)
        sum -= weights[--kept];
    std::map<token_id, double> drawn;
    for (std::size_t i = 0; i < kept; ++i)
        drawn[sorted[i].second] = weights[i] / sum;
    return drawn;
}

}  // namespace penstock::worker
