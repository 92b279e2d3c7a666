// The heap through the tickets' own links, against a set.
#include "policies/admission/deadline_heap.hpp"

#include "policies/deadline_table.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace penstock::admission {
namespace {

TEST(deadline_heap, agrees_with_a_set_over_random_operations) {
    std::mt19937_64 random{9};
    deadline_table all;
    deadline_heap<deadline_table> heap{all};
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

// The length of the right spine, which nowhere is longer than the left one's; ranks say so.
std::uint8_t rank_of(deadline_table& all, std::uint32_t item, std::uint32_t parent) {
    if (item == heap_links::none) return 0;
    const heap_links& links = all.links(item);
    EXPECT_EQ(links.parent, parent);
    EXPECT_EQ(links.left_rank, rank_of(all, links.left, item));
    EXPECT_EQ(links.right_rank, rank_of(all, links.right, item));
    EXPECT_LE(links.right_rank, links.left_rank);
    return static_cast<std::uint8_t>(links.right_rank + 1);
}

TEST(deadline_heap, leans_to_the_left_whatever_is_taken_out_of_its_middle) {
    std::mt19937_64 random{4};
    deadline_table all;
    deadline_heap<deadline_table> heap{all};
    std::uint32_t root = heap_links::none;
    std::set<std::uint32_t> in;
    for (int step = 0; step < 5'000 && !HasFailure(); ++step) {
        const auto i = static_cast<std::uint32_t>(random() % all.items.size());
        all.items[i].due = in.contains(i) ? all.items[i].due : static_cast<int>(random() % 1000);
        root = in.contains(i) ? heap.remove(root, i) : heap.add(root, i);
        if (!in.erase(i)) in.insert(i);
        rank_of(all, root, heap_links::none);
    }
}

TEST(deadline_heap, empties_in_order_when_it_was_filled_backwards) {
    deadline_table all;
    deadline_heap<deadline_table> heap{all};
    std::uint32_t root = heap_links::none;
    for (std::uint32_t i = 0; i < 200; ++i) {
        all.items[i].due = static_cast<int>(1000 - i);
        root = heap.add(root, i);
    }
    for (std::uint32_t i = 200; i-- > 0; root = heap.remove(root, root))
        ASSERT_EQ(root, i);
    EXPECT_EQ(root, heap_links::none);
}

TEST(deadline_heap, takes_logarithmic_time_for_each_removal_after_a_burst) {
    constexpr std::uint32_t burst = 4096;
    for (const bool backwards : {false, true}) {
        deadline_table all;
        all.items.resize(burst);
        deadline_heap<deadline_table> heap{all};
        std::uint32_t root = heap_links::none;
        for (std::uint32_t i = 0; i < burst; ++i) {
            all.items[i].due = static_cast<int>(backwards ? burst - i : i);
            root = heap.add(root, i);
        }
        for (std::uint32_t left = burst; left > 0; --left) {
            all.compared = 0;
            root = heap.remove(root, root);
            ASSERT_LE(all.compared, 2 * 12u) << left << " of them " << backwards;
        }
    }
}

}  // namespace
}  // namespace penstock::admission
