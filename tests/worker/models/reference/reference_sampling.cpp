// Choice of a token on the reference backend, step by step as sampling.hpp lists them.
#include "worker/models/reference/reference_backend.hpp"
#include "worker/models/reference/reference_rows.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace penstock::worker::reference {

namespace {

struct candidate {
    token_id id = 0;
    double logit = 0;
};

// Likeliest first, the lower id first among equals.
void sort(std::vector<candidate>& candidates) {
    std::ranges::sort(candidates, [](const candidate& a, const candidate& b) {
        return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
    });
}

double log_sum(std::span<const double> logits) {
    const double largest = *std::ranges::max_element(logits);
    double sum = 0;
    for (const double logit : logits)
        sum += std::exp(logit - largest);
    return largest + std::log(sum);
}

void penalise(double& logit, const token_count& seen, const sampling_params& params) {
    if (seen.in_prompt + seen.in_output > 0)
        logit = logit > 0 ? logit / params.repetition_penalty : logit * params.repetition_penalty;
    if (seen.in_output > 0)
        logit -= params.frequency_penalty * seen.in_output + params.presence_penalty;
}

// Allowed tokens with their changed logits.
std::vector<candidate> candidates_of(std::span<const double> logits, const sampling_row& row) {
    std::vector<candidate> made;
    for (std::size_t id = 0; id < std::min<std::size_t>(row.vocabulary, logits.size()); ++id)
        if (std::ranges::find(row.forbidden, token_id(id)) == row.forbidden.end())
            made.push_back({static_cast<token_id>(id), logits[id]});
    for (candidate& one : made) {
        for (const token_bias& bias : row.bias)
            if (bias.id == one.id) one.logit += bias.bias;
        for (const token_count& seen : row.seen)
            if (seen.id == one.id) penalise(one.logit, seen, *row.params);
    }
    sort(made);
    return made;
}

void cut(std::vector<candidate>& candidates, const sampling_params& params) {
    if (params.top_k > 0 && params.top_k < candidates.size()) candidates.resize(params.top_k);
    double sum = 0;
    for (const candidate& one : candidates)
        sum += std::exp(one.logit - candidates[0].logit);
    double mass = 0;
    std::size_t kept = 0;
    while (kept < candidates.size() && (kept == 0 || mass < params.top_p * sum))
        mass += std::exp(candidates[kept++].logit - candidates[0].logit);
    candidates.resize(kept);
    std::erase_if(candidates, [&, best = candidates[0].logit](const candidate& one) {
        return std::exp(one.logit - best) < params.min_p;
    });
}

// (0, 1), of the seed, the index and the id.
double draw(std::uint64_t seed, std::uint32_t index, token_id id) {
    std::uint64_t x = seed;
    for (const std::uint64_t part : {std::uint64_t(index), std::uint64_t(id)}) {
        x += (part + 1) * 0x9e3779b97f4a7c15u;
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
        x ^= x >> 31;
    }
    return (static_cast<double>(x >> 12) + 0.5) * 0x1p-52;
}

token_id choose(std::vector<candidate> candidates, const sampling_row& row) {
    const sampling_params& params = *row.params;
    demand(!candidates.empty(), "sample: every token is forbidden");
    if (params.temperature == 0) return candidates[0].id;
    for (candidate& one : candidates)
        one.logit /= params.temperature;
    cut(candidates, params);
    for (candidate& one : candidates)
        one.logit -= std::log(-std::log(draw(params.seed, row.index, one.id)));  // Gumbel
    sort(candidates);
    return candidates[0].id;
}

}  // namespace

void reference_backend::sample(
    tensor logits, std::span<const sampling_row> rows, std::span<sampled_token> out
) {
    demand(out.size() == rows.size(), "sample: another number of rows");
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const sampling_row& row = rows[i];
        demand(row.row < logits.rows, "sample: no such row");
        const std::span<const double> raw = row_of(logits, row.row);
        out[i] = {};
        out[i].id = choose(candidates_of(raw, row), row);
        if (!row.logprobs && row.top_logprobs == 0) continue;
        const double all = log_sum(raw);
        out[i].logprob = static_cast<float>(raw[static_cast<std::size_t>(out[i].id)] - all);
        std::vector<candidate> order;
        for (std::size_t id = 0; id < raw.size(); ++id)
            order.push_back({static_cast<token_id>(id), raw[id]});
        sort(order);
        order.resize(std::min<std::size_t>(row.top_logprobs, order.size()));
        for (const candidate& one : order)
            out[i].top.push_back({one.id, static_cast<float>(one.logit - all)});
    }
}

}  // namespace penstock::worker::reference
