// The likeliest tokens that together weigh enough: top-k where each weighs one, top-p where each
// weighs its probability.
#pragma once

#include "worker/ops/tensor.hpp"

#include <cstdint>
#include <vector>

namespace penstock::worker {

struct candidate {
    float score = 0;  // a number, and not -0
    token_id id = 0;
    std::uint64_t mass = 0;
};

// Leaves the fewest candidates whose masses add up to `target`: those of the largest scores, and
// the lower ids among equals. Candidates stand in the order of their ids and stay in it. A mass is
// a function of the score; `target` is at least 1. Linear, without memory of its own; nothing is
// sorted, and sums of integers have no order.
void keep_heaviest(std::vector<candidate>& candidates, std::uint64_t target) noexcept;

}  // namespace penstock::worker
