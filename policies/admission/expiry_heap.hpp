// Which waiting ticket runs out first: a binary heap that knows where each ticket stands.
#pragma once

#include "penstock/clock.hpp"

#include <cstdint>
#include <vector>

namespace penstock::admission {

// Slots of a slab by time. O(log n) to put and take, memory only of those who wait: a ticket that
// left early is taken out, not waited for.
class expiry_heap {
 public:
    // Room for so many without allocation.
    void reserve(std::size_t slots);
    void put(std::uint32_t slot, time_point when);
    // Nothing happens when it is not in.
    void take(std::uint32_t slot) noexcept;
    bool empty() const noexcept { return heap_.empty(); }
    // Only when not empty.
    std::uint32_t first() const noexcept { return heap_.front().slot; }
    // `never` when empty.
    time_point first_time() const noexcept { return heap_.empty() ? never : heap_.front().when; }

 private:
    struct item {
        time_point when;
        std::uint32_t slot;
    };
    static constexpr std::uint32_t out = 0xffff'ffff;

    void set(std::size_t at, item what) noexcept;
    void rise(std::size_t at, item what) noexcept;
    void sink(std::size_t at, item what) noexcept;

    std::vector<item> heap_;
    std::vector<std::uint32_t> place_;  // of each slot in heap_, or `out`
};

}  // namespace penstock::admission
