// What happens next, in virtual time. Of events at the same time the one that was put first comes
// first, so that a run repeats exactly.
#pragma once

#include "penstock/clock.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace penstock::simulator {

template <class What>
class event_queue {
 public:
    struct event {
        time_point when;
        std::uint64_t order;
        What what;
    };

    bool empty() const noexcept { return heap_.empty(); }
    // Of the earliest; `never` when there is none.
    time_point next() const noexcept { return heap_.empty() ? never : heap_.front().when; }

    // Nothing ever happens at `never`.
    void put(time_point when, const What& what) {
        if (when == never) return;
        heap_.push_back({when, order_++, what});
        std::push_heap(heap_.begin(), heap_.end(), later);
    }

    event take() {
        std::pop_heap(heap_.begin(), heap_.end(), later);
        const event first = heap_.back();
        heap_.pop_back();
        return first;
    }

 private:
    static bool later(const event& a, const event& b) noexcept {
        return a.when != b.when ? a.when > b.when : a.order > b.order;
    }

    std::vector<event> heap_;
    std::uint64_t order_ = 0;
};

}  // namespace penstock::simulator
