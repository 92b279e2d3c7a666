// Tickets of one tenant by deadline: a pairing heap (Fredman et al. 1986) through the tickets'
// own links.
#pragma once

#include "penstock/clock.hpp"

#include <cstdint>
#include <utility>

namespace penstock::admission {

// Part of a ticket. `previous` is the elder sibling, or the parent of a first child.
struct heap_links {
    static constexpr std::uint32_t none = 0xffff'ffff;
    std::uint32_t child = none, next = none, previous = none;
};

// The operations on a heap that is named by its root. `Table` has `links(i)` and `before(a, b)`, a
// strict order. No memory of its own: adding is O(1), removing O(log n) amortised.
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
        heap_links& gone = table_.links(item);
        const std::uint32_t below = merge_pairs(gone.child);
        if (item == root) return below;
        heap_links& elder = table_.links(gone.previous);
        (elder.child == item ? elder.child : elder.next) = gone.next;
        if (gone.next != none) table_.links(gone.next).previous = gone.previous;
        return meld(root, below);
    }

 private:
    // Both are roots, or none.
    std::uint32_t meld(std::uint32_t a, std::uint32_t b) noexcept {
        if (a == none || b == none) return a == none ? b : a;
        if (table_.before(b, a)) std::swap(a, b);
        heap_links& parent = table_.links(a);
        heap_links& child = table_.links(b);
        child.previous = a;
        child.next = parent.child;
        if (parent.child != none) table_.links(parent.child).previous = b;
        parent.child = b;
        return a;
    }
    // Siblings become one heap: pairs from the left, then their sum from the right.
    std::uint32_t merge_pairs(std::uint32_t first) noexcept {
        std::uint32_t pairs = none;  // a stack through `next`
        while (first != none) {
            const std::uint32_t a = first, b = table_.links(a).next;
            first = b == none ? none : table_.links(b).next;
            cut(a);
            if (b != none) cut(b);
            const std::uint32_t pair = meld(a, b);
            table_.links(pair).next = pairs;
            pairs = pair;
        }
        std::uint32_t root = none;
        while (pairs != none) {
            const std::uint32_t pair = pairs;
            pairs = table_.links(pair).next;
            cut(pair);
            root = meld(root, pair);
        }
        return root;
    }
    void cut(std::uint32_t item) noexcept {
        table_.links(item).next = table_.links(item).previous = none;
    }

    Table& table_;
};

}  // namespace penstock::admission
