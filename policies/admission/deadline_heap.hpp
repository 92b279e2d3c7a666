// Tickets by deadline: a leftist heap (Crane 1972; Knuth, TAOCP 5.2.3) through their own links.
#pragma once

#include "penstock/clock.hpp"

#include <cstdint>
#include <utility>

namespace penstock::admission {

// Part of a ticket, for this and for deadline_queue. A rank is the length of the right spine of
// what hangs there, and never more on the right than on the left; it stands with the parent, so
// that a sibling need not be looked at.
struct heap_links {
    static constexpr std::uint32_t none = 0xffff'ffff;
    std::uint32_t left = none, right = none, parent = none;
    std::uint8_t left_rank = 0, right_rank = 0;
    bool in_run = false;  // of a deadline_queue: left is who is before it, right who is after it
};

// The operations on a heap that is named by its root. `Table` has `links(i)` and `before(a, b)`, a
// strict order. No memory of its own. Both are O(log n) each time and not on average only: who
// comes after a burst does not pay for its order.
template <class Table>
class deadline_heap {
 public:
    static constexpr std::uint32_t none = heap_links::none;

    explicit deadline_heap(Table& table) noexcept : table_(table) {}

    // The new root.
    std::uint32_t add(std::uint32_t root, std::uint32_t item) noexcept {
        table_.links(item) = {};
        return meld(root, item);
    }
    std::uint32_t remove(std::uint32_t root, std::uint32_t item) noexcept {
        const heap_links gone = table_.links(item);
        const std::uint32_t below = meld(gone.left, gone.right);
        if (below != none) table_.links(below).parent = gone.parent;
        if (item == root) return below;
        heap_links& above = table_.links(gone.parent);
        (above.left == item ? above.left : above.right) = below;
        mend(gone.parent, below);
        return root;
    }

 private:
    std::uint8_t rank(std::uint32_t item) noexcept {
        return item == none ? 0 : static_cast<std::uint8_t>(table_.links(item).right_rank + 1);
    }
    // Both are roots, or none. As deep as their right spines together: twice the logarithm.
    std::uint32_t meld(std::uint32_t a, std::uint32_t b) noexcept {
        if (a == none || b == none) return a == none ? b : a;
        if (table_.before(b, a)) std::swap(a, b);
        heap_links& top = table_.links(a);
        top.right = meld(top.right, b);
        top.right_rank = rank(top.right);
        table_.links(top.right).parent = a;
        lean(top);
        return a;
    }
    // Tells `above`, and whom it concerns above that, what rank its child has now. Each of them has
    // a larger rank than the one before: no more than the logarithm.
    void mend(std::uint32_t above, std::uint32_t child) noexcept {
        while (above != none) {
            heap_links& links = table_.links(above);
            const std::uint8_t before = links.right_rank;
            (links.left == child ? links.left_rank : links.right_rank) = rank(child);
            lean(links);
            if (links.right_rank == before) return;
            child = above;
            above = links.parent;
        }
    }
    static void lean(heap_links& links) noexcept {
        if (links.left_rank >= links.right_rank) return;
        std::swap(links.left, links.right);
        std::swap(links.left_rank, links.right_rank);
    }

    Table& table_;
};

}  // namespace penstock::admission
