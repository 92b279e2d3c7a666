// The thread beside the loops.
#include "gateway/side_thread.hpp"

#include "support/on_loop.hpp"

#include <gmock/gmock.h>

#include <future>
#include <vector>

namespace penstock::gateway {
namespace {

TEST(side_thread, runs_what_it_is_given_beside_the_loop_and_goes_on_on_it) {
    io::loop home;
    side_thread side;
    std::thread::id ran_on;
    io::loop* went_on = nullptr;
    const auto body = [&]() -> io::task<void> {
        co_await side.run(home, [&] { ran_on = std::this_thread::get_id(); });
        went_on = io::loop::current();
    };
    test::run_on(home, body());
    EXPECT_NE(ran_on, std::thread::id());
    EXPECT_NE(ran_on, std::this_thread::get_id());
    EXPECT_EQ(went_on, &home);
}

TEST(side_thread, leaves_the_loop_free_meanwhile) {
    io::loop home;
    side_thread side;
    std::promise<void> loop_went_on;
    const auto body = [&]() -> io::task<void> {
        home.post([&] { loop_went_on.set_value(); });
        co_await side.run(home, [&] { loop_went_on.get_future().wait(); });
    };
    test::run_on(home, body());
}

TEST(side_thread, takes_one_after_the_other_in_order) {
    io::loop home;
    side_thread side;
    std::vector<int> order;
    int left = 3;
    const auto ask = [&](int number) -> io::task<void> {
        co_await side.run(home, [&order, number] { order.push_back(number); });
        --left;
    };
    const auto body = [&]() -> io::task<void> {
        for (int i = 0; i < 3; ++i)
            io::spawn(ask(i), [](std::exception_ptr) {});
        const bool all = co_await test::until(home, [&] { return left == 0; });
        EXPECT_TRUE(all);
    };
    test::run_on(home, body());
    EXPECT_THAT(order, testing::ElementsAre(0, 1, 2));
}

}  // namespace
}  // namespace penstock::gateway
