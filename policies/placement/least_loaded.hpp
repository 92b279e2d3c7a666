// Placement: the replica with the lowest share of its slots taken.
#pragma once

#include <cstddef>
#include <cstdint>

namespace penstock::placement {

struct load {
    std::uint32_t in_flight = 0;
    std::uint32_t limit = 0;  // 0: not to be chosen
};

inline constexpr std::size_t no_choice = static_cast<std::size_t>(-1);

// Index in [0, count) of the lowest in_flight / limit among those with a slot free, or `no_choice`.
// Of equals the first from `first` on, cyclically: a caller who passes the last choice + 1 makes
// equal replicas share. `load_of(i)` is asked once for each. O(count).
template <class LoadOf>
constexpr std::size_t least_loaded(std::size_t count, std::size_t first, LoadOf&& load_of) {
    std::size_t best = no_choice;
    load lowest;
    for (std::size_t step = 0; step < count; ++step) {
        const std::size_t i = (first + step) % count;
        const load each = load_of(i);
        if (each.in_flight >= each.limit) continue;
        const auto lower = [](load a, load b) {
            return std::uint64_t{a.in_flight} * b.limit < std::uint64_t{b.in_flight} * a.limit;
        };
        if (best != no_choice && !lower(each, lowest)) continue;
        best = i;
        lowest = each;
    }
    return best;
}

}  // namespace penstock::placement
