// Pages that nobody holds but that are still known, the least recently used first.
#pragma once

#include "worker/ops/step_batch.hpp"

#include <cstdint>
#include <vector>

namespace penstock::worker {

// A ring through an array: every change is O(1) and allocates nothing.
class idle_pages {
 public:
    explicit idle_pages(std::uint32_t num_pages) : links_(num_pages + 1), end_(num_pages) {
        links_[end_] = {end_, end_};
    }

    std::uint32_t size() const noexcept { return size_; }
    page_id oldest() const noexcept { return links_[end_].newer; }  // size() > 0

    void push_newest(page_id page) noexcept {
        const page_id before = links_[end_].older;
        links_[page] = {before, end_};
        links_[before].newer = page;
        links_[end_].older = page;
        ++size_;
    }
    void remove(page_id page) noexcept {
        const link at = links_[page];
        links_[at.older].newer = at.newer;
        links_[at.newer].older = at.older;
        --size_;
    }

 private:
    struct link {
        page_id older = 0, newer = 0;
    };
    std::vector<link> links_;  // the last one is before the oldest and after the newest
    page_id end_;
    std::uint32_t size_ = 0;
};

}  // namespace penstock::worker
