// Tickets of one tenant by deadline.
#pragma once

#include "policies/admission/deadline_heap.hpp"

#include <cstdint>

namespace penstock::admission {

// Who waits: a run in order, and a heap of those that came with a deadline before the run's last.
struct deadline_order {
    std::uint32_t oldest = heap_links::none, newest = heap_links::none, heap = heap_links::none;
};

// The operations on such an order. Deadlines mostly come as they are kept, and the run takes and
// gives those in O(1), where a heap touches a ticket for each level; the others cost O(log n).
// `Table` as of deadline_heap.
template <class Table>
class deadline_queue {
 public:
    static constexpr std::uint32_t none = heap_links::none;

    explicit deadline_queue(Table& table) noexcept : table_(table), heap_(table) {}

    // `none` when nobody waits.
    std::uint32_t first(const deadline_order& order) const noexcept {
        if (order.oldest == none) return order.heap;
        if (order.heap == none) return order.oldest;
        return table_.before(order.heap, order.oldest) ? order.heap : order.oldest;
    }
    void add(deadline_order& order, std::uint32_t item) noexcept {
        if (order.newest != none && table_.before(item, order.newest)) {
            order.heap = heap_.add(order.heap, item);
            return;
        }
        table_.links(item) = {.left = order.newest, .in_run = true};
        (order.newest == none ? order.oldest : table_.links(order.newest).right) = item;
        order.newest = item;
    }
    void remove(deadline_order& order, std::uint32_t item) noexcept {
        const heap_links gone = table_.links(item);
        if (!gone.in_run) {
            order.heap = heap_.remove(order.heap, item);
            return;
        }
        (gone.left == none ? order.oldest : table_.links(gone.left).right) = gone.right;
        (gone.right == none ? order.newest : table_.links(gone.right).left) = gone.left;
    }

 private:
    Table& table_;
    deadline_heap<Table> heap_;
};

}  // namespace penstock::admission
