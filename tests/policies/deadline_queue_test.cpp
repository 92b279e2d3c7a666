// The run and the heap of one tenant's tickets, against a set.
#include "policies/admission/deadline_queue.hpp"

#include "policies/deadline_table.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace penstock::admission {
namespace {

TEST(deadline_queue, agrees_with_a_set_however_many_come_out_of_order) {
    for (const int spread : {1, 3, 50, 1000}) {
        std::mt19937_64 random{7};
        deadline_table all;
        deadline_queue<deadline_table> queue{all};
        deadline_order order;
        std::set<std::tuple<int, std::uint64_t, std::uint32_t>> in;
        const auto key = [&](std::uint32_t i) {
            return std::tuple(all.items[i].due, all.items[i].sequence, i);
        };
        for (std::uint64_t step = 0; step < 50'000; ++step) {
            const auto i = static_cast<std::uint32_t>(random() % all.items.size());
            if (in.count(key(i)) == 0) {
                all.items[i].due = static_cast<int>(step / 4 + random() % spread);
                all.items[i].sequence = step;
                queue.add(order, i);
                in.insert(key(i));
            } else {
                const std::uint32_t gone = random() % 3 == 0 ? i : queue.first(order);
                in.erase(key(gone));
                queue.remove(order, gone);
            }
            if (in.empty())
                ASSERT_EQ(queue.first(order), queue.none);
            else
                ASSERT_EQ(queue.first(order), std::get<2>(*in.begin())) << spread;
        }
    }
}

TEST(deadline_queue, compares_once_for_each_that_comes_in_order) {
    deadline_table all;
    deadline_queue<deadline_table> queue{all};
    deadline_order order;
    for (std::uint32_t i = 0; i < 200; ++i) {
        all.items[i].due = static_cast<int>(i);
        queue.add(order, i);
    }
    EXPECT_EQ(all.compared, 199u);
    for (std::uint32_t i = 0; i < 200; ++i) {
        ASSERT_EQ(queue.first(order), i);
        queue.remove(order, i);
    }
    EXPECT_EQ(all.compared, 199u);
}

TEST(deadline_queue, goes_on_after_the_last_of_its_run_left) {
    deadline_table all;
    deadline_queue<deadline_table> queue{all};
    deadline_order order;
    all.items[0].due = 9, all.items[1].due = 5, all.items[2].due = 7;
    queue.add(order, 0);
    queue.add(order, 1);
    queue.remove(order, 0);
    queue.add(order, 2);
    EXPECT_EQ(queue.first(order), 1u);
    queue.remove(order, 1);
    EXPECT_EQ(queue.first(order), 2u);
    queue.remove(order, 2);
    EXPECT_EQ(queue.first(order), queue.none);
}

}  // namespace
}  // namespace penstock::admission
