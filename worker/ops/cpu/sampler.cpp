// The choice of a token, step by step in the order that sampling.hpp promises.
#include "worker/ops/cpu/sampler.hpp"

#include "worker/ops/cpu/exponential.hpp"
#include "worker/ops/cpu/lanes_portable.hpp"
#include "worker/ops/cpu/logarithm.hpp"
#include "worker/ops/cpu/philox.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace penstock::worker {
namespace {

constexpr float none = -std::numeric_limits<float>::infinity();
constexpr float largest_float = std::numeric_limits<float>::max();
constexpr double log2_of_e = 1.4426950408889634;
constexpr float one_mass = 0x1p40f;  // of a probability as large as the largest

float readable(float logit) noexcept {
    if (std::isnan(logit)) return none;
    return std::min(logit, largest_float) + 0.0f;  // 0 has one sign
}

// e to the power of four numbers, none above 0, as masses: whole numbers, rounded down.
void masses_of(const float (&powers)[4], std::uint64_t (&masses)[4]) noexcept {
    using lanes = portable_lanes;
    float values[4];
    lanes::store(values, exponential<lanes>(lanes::load(powers)));
    for (int i = 0; i < 4; ++i)
        masses[i] = std::uint64_t(std::int64_t(values[i] * one_mass));
}

// Noise of Gumbel's distribution makes the largest sum a fair draw.
double gumbel(std::uint32_t random) noexcept {
    const double uniform = (random + 0.5) * 0x1p-32;
    return -natural_logarithm(-natural_logarithm(uniform));
}

// Whether noise made of `random` is certainly not above `needed`: it is at most -log(1 - uniform).
bool is_hopeless(std::uint32_t random, double needed) noexcept {
    const double bits = std::ceil(1e-9 - needed * log2_of_e);  // 2^bits >= e^-needed
    return bits < 0 && (bits <= -33 || ~random >= std::uint64_t(1) << (32 + int(bits)));
}

token_id lowest_allowed(const sampling_row& row) noexcept {
    for (token_id id = 0; std::uint32_t(id) < row.vocabulary; ++id)
        if (std::ranges::find(row.forbidden, id) == row.forbidden.end()) return id;
    return 0;
}

}  // namespace

void sampler::reserve(std::size_t num_logits) {
    scores_.reserve(num_logits);
    candidates_.reserve(num_logits);
}

void sampler::choose(
    std::span<const float> logits, const sampling_row& row, sampled_token& chosen
) noexcept {
    chosen.logprob = 0;
    chosen.top.clear();
    score(logits, row);
    chosen.id = draw(row);
    if (row.logprobs || row.top_logprobs > 0) add_logprobs(logits, row, chosen);
}

// Masks, bias and penalties.
void sampler::score(std::span<const float> logits, const sampling_row& row) noexcept {
    scores_.resize(std::min<std::size_t>(logits.size(), row.vocabulary));
    std::transform(
        logits.begin(), logits.begin() + std::ptrdiff_t(scores_.size()), scores_.begin(), readable
    );
    const auto has = [&](token_id id) { return id >= 0 && std::size_t(id) < scores_.size(); };
    for (const token_id id : row.forbidden)
        if (has(id)) scores_[std::size_t(id)] = none;
    for (const auto& [id, bias] : row.bias)
        if (has(id)) scores_[std::size_t(id)] = readable(scores_[std::size_t(id)] + bias);

    const sampling_params& p = *row.params;
    for (const auto& [id, in_prompt, in_output] : row.seen) {
        if (!has(id)) continue;
        float& score = scores_[std::size_t(id)];
        if (in_prompt > 0 || in_output > 0)
            score = score > 0 ? score / p.repetition_penalty : score * p.repetition_penalty;
        if (in_output > 0) score -= float(in_output) * p.frequency_penalty + p.presence_penalty;
        score = readable(score);
    }
}

token_id sampler::draw(const sampling_row& row) noexcept {
    const auto top = std::ranges::max_element(scores_);  // the first of equals
    if (top == scores_.end() || *top == none) return lowest_allowed(row);
    if (row.params->temperature == 0) return token_id(top - scores_.begin());
    scale(row.params->temperature, *top);
    keep_likely(*row.params);
    return draw_one(row.params->seed, row.index);
}

// Scores become the logarithm of a probability over that of the likeliest token, which has 0.
void sampler::scale(float temperature, float largest) noexcept {
    candidates_.clear();
    for (std::size_t i = 0; i < scores_.size(); ++i) {
        const float score = (scores_[i] - largest) / temperature + 0.0f;
        if (score > none) candidates_.push_back({score, token_id(i), 1});
    }
}

void sampler::weigh() noexcept {
    for (std::size_t i = 0; i < candidates_.size(); i += 4) {
        const std::size_t n = std::min<std::size_t>(4, candidates_.size() - i);
        float scores[4] = {};
        std::uint64_t masses[4];
        for (std::size_t k = 0; k < n; ++k)
            scores[k] = candidates_[i + k].score;
        masses_of(scores, masses);
        for (std::size_t k = 0; k < n; ++k)
            candidates_[i + k].mass = masses[k];
    }
}

void sampler::keep_likely(const sampling_params& params) noexcept {
    if (params.top_k > 0) keep_heaviest(candidates_, params.top_k);
    if (params.top_p >= 1 && params.min_p <= 0) return;
    weigh();
    if (params.top_p < 1) {
        std::uint64_t total = 0;
        for (const candidate& c : candidates_)
            total += c.mass;
        const double target = std::ceil(double(total) * double(params.top_p));
        keep_heaviest(candidates_, std::max<std::uint64_t>(1, std::uint64_t(target)));
    }
    const double least = double(params.min_p) * double(one_mass);
    std::erase_if(candidates_, [&](const candidate& c) { return double(c.mass) < least; });
}

token_id sampler::draw_one(std::uint64_t seed, std::uint32_t index) const noexcept {
    token_id chosen = candidates_.front().id;
    double best = -std::numeric_limits<double>::infinity();
    std::uint32_t group = ~0u;
    philox_block numbers{};
    for (const candidate& c : candidates_) {
        const auto id = std::uint32_t(c.id);
        if (is_hopeless(~0u, best - double(c.score))) continue;  // whatever its number
        if (id / 4 != group) {
            group = id / 4;
            numbers = philox({group, index, 0, 0}, seed);
        }
        const std::uint32_t random = numbers[id % 4];
        if (is_hopeless(random, best - double(c.score))) continue;
        const double score = double(c.score) + gumbel(random);
        if (score > best) {
            best = score;
            chosen = c.id;
        }
    }
    return chosen;
}

void sampler::add_logprobs(
    std::span<const float> logits, const sampling_row& row, sampled_token& chosen
) noexcept {
    float largest = none;
    for (const float logit : logits)
        largest = std::max(largest, readable(logit));
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < logits.size(); i += 4) {
        float powers[4] = {none, none, none, none};
        std::uint64_t masses[4];
        for (std::size_t k = 0; k < 4 && i + k < logits.size(); ++k)
            powers[k] = readable(logits[i + k]) - largest;
        masses_of(powers, masses);
        total += masses[0] + masses[1] + masses[2] + masses[3];
    }
    const double log_total =
        largest > none ? natural_logarithm(double(total) / double(one_mass)) : 0;
    const auto logprob = [&](token_id id) {
        const float logit = readable(logits[std::size_t(id)]);
        if (logit == none) return -largest_float;
        const double exact = double(logit) - double(largest) - log_total;
        return float(std::max(exact, -double(largest_float)));
    };
    if (std::size_t(chosen.id) < logits.size()) chosen.logprob = logprob(chosen.id);
    if (row.top_logprobs == 0) return;

    candidates_.clear();
    const std::size_t num_ids = std::min<std::size_t>(logits.size(), row.vocabulary);
    for (std::size_t i = 0; i < num_ids; ++i)
        if (const float logit = readable(logits[i]); logit > none)
            candidates_.push_back({logit, token_id(i), 1});
    keep_heaviest(candidates_, row.top_logprobs);
    std::ranges::sort(candidates_, [](const candidate& a, const candidate& b) {
        return a.score != b.score ? a.score > b.score : a.id < b.id;
    });
    for (const candidate& c : candidates_)
        chosen.top.push_back({c.id, logprob(c.id)});
}

}  // namespace penstock::worker
