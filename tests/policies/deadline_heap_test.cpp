// The heap through the tickets' own links, against a set.
#include "policies/admission/deadline_heap.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

namespace penstock::admission {
namespace {

struct table {
    struct item {
        int due = 0;
        std::uint64_t sequence = 0;
        heap_links order;
    };
    std::vector<item> items{200};
    heap_links& links(std::uint32_t i) { return items[i].order; }
    bool before(std::uint32_t a, std::uint32_t b) const {
        return std::pair(items[a].due, items[a].sequence) <
               std::pair(items[b].due, items[b].sequence);
    }
};

TEST(deadline_heap, agrees_with_a_set_over_random_operations) {
    std::mt19937_64 random{9};
    table all;
    deadline_heap<table> heap{all};
    std::uint32_t root = heap_links::none;
    std::set<std::tuple<int, std::uint64_t, std::uint32_t>> in;
    const auto key = [&](std::uint32_t i) {
        return std::tuple(all.items[i].due, all.items[i].sequence, i);
    };
    for (std::uint64_t step = 0; step < 100'000; ++step) {
        const auto i = static_cast<std::uint32_t>(random() % all.items.size());
        if (in.count(key(i)) == 0) {
            all.items[i].due = static_cast<int>(random() % 20);  // many ties: those by arrival
            all.items[i].sequence = step;
            root = heap.add(root, i);
            in.insert(key(i));
        } else {
            const std::uint32_t gone = random() % 3 == 0 ? root : i;
            in.erase(key(gone));
            root = heap.remove(root, gone);
        }
        if (in.empty())
            ASSERT_EQ(root, heap_links::none);
        else
            ASSERT_EQ(root, std::get<2>(*in.begin()));
    }
}

TEST(deadline_heap, empties_in_order_when_it_was_filled_backwards) {
    table all;
    deadline_heap<table> heap{all};
    std::uint32_t root = heap_links::none;
    for (std::uint32_t i = 0; i < 200; ++i) {
        all.items[i].due = static_cast<int>(1000 - i);
        root = heap.add(root, i);
    }
    for (std::uint32_t i = 200; i-- > 0; root = heap.remove(root, root))
        ASSERT_EQ(root, i);
    EXPECT_EQ(root, heap_links::none);
}

}  // namespace
}  // namespace penstock::admission
