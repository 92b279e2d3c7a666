// What a heap and a queue by deadline are tried on.
#pragma once

#include "policies/admission/deadline_heap.hpp"

#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

namespace penstock::admission {

// Items with a deadline and a number, and how often two were compared.
struct deadline_table {
    struct item {
        int due = 0;
        std::uint64_t sequence = 0;
        heap_links order;
    };
    std::vector<item> items{200};
    mutable std::size_t compared = 0;
    heap_links& links(std::uint32_t i) { return items[i].order; }
    bool before(std::uint32_t a, std::uint32_t b) const {
        ++compared;
        return std::pair(items[a].due, items[a].sequence) <
               std::pair(items[b].due, items[b].sequence);
    }
};

}  // namespace penstock::admission
