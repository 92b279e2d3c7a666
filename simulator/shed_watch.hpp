// How often a policy changes its mind about shedding a class of a pool.
#pragma once

#include "penstock/contracts/admission.hpp"

#include <algorithm>
#include <span>
#include <vector>

namespace penstock::simulator {

class shed_watch {
 public:
    void saw(std::span<const queue_view> queues) {
        seen_.resize(std::max(seen_.size(), queues.size()));
        for (std::size_t i = 0; i < queues.size(); ++i) {
            seen_[i].flips += seen_[i].sheds != queues[i].sheds;
            seen_[i].sheds = queues[i].sheds;
        }
    }
    // Forgets the flips so far, not the state.
    void start_counting() {
        for (entry& e : seen_)
            e.flips = 0;
    }
    // Of the pool and class with the most.
    std::uint32_t most_flips() const {
        std::uint32_t most = 0;
        for (const entry& e : seen_)
            most = std::max(most, e.flips);
        return most;
    }

 private:
    struct entry {
        bool sheds = false;
        std::uint32_t flips = 0;
    };
    std::vector<entry> seen_;  // in the order of `queues`
};

}  // namespace penstock::simulator
