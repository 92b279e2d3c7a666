// The event loop: work from other threads, deadlines, alarms.
#include "penstock/io/loop.hpp"

#include "support/on_loop.hpp"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace penstock::io {
namespace {

using std::chrono::milliseconds;
using test::run_on;

TEST(loop, runs_what_is_posted_in_order_and_on_its_own_thread) {
    loop home(7);
    std::vector<int> order;
    for (int i = 0; i < 100; ++i)
        home.post([&order, &home, i] {
            EXPECT_EQ(loop::current(), &home);
            order.push_back(i);
        });
    home.post([&home] { home.stop(); });
    EXPECT_TRUE(order.empty());
    EXPECT_EQ(loop::current(), nullptr);
    home.run();
    EXPECT_EQ(loop::current(), nullptr);
    ASSERT_EQ(order.size(), 100u);
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
    EXPECT_EQ(home.index(), 7);
}

TEST(loop, takes_work_from_many_threads_at_once) {
    loop home;
    constexpr int threads = 4, each = 2000;
    int ran = 0;  // on the loop's thread alone
    std::vector<std::thread> posters;
    for (int t = 0; t < threads; ++t)
        posters.emplace_back([&] {
            for (int i = 0; i < each; ++i)
                home.post([&] {
                    if (++ran == threads * each) home.stop();
                });
        });
    home.run();
    for (auto& poster : posters)
        poster.join();
    EXPECT_EQ(ran, threads * each);
}

TEST(loop, stops_from_another_thread) {
    loop home;
    std::atomic<bool> running{false};
    home.post([&] { running = true; });
    std::thread stopper([&] {
        while (!running)
            std::this_thread::yield();
        home.stop();
    });
    home.run();
    stopper.join();
}

TEST(loop, frees_what_was_posted_and_never_ran) {
    auto kept = std::make_shared<int>(1);
    {
        loop home;
        home.post([kept] { ADD_FAILURE() << "ran"; });
        EXPECT_EQ(kept.use_count(), 2);
    }
    EXPECT_EQ(kept.use_count(), 1);
}

TEST(loop, tells_a_coarse_time_that_is_never_ahead) {
    const loop home;
    for (int i = 0; i < 1000; ++i) {
        const time_point coarse = home.now(), exact = loop::exact_now();
        EXPECT_LE(coarse, exact);
        EXPECT_LT(exact - coarse, std::chrono::seconds(1));
    }
}

struct bell final : timed {
    explicit bell(loop& home) : home(home) {}
    ~bell() override { home.clear_deadline(*this); }
    void on_time() noexcept override {
        rang = loop::exact_now();
        home.stop();
    }
    loop& home;
    time_point rang = never;
};

TEST(loop, calls_what_has_a_deadline_and_not_early) {
    loop home;
    bell soon(home), cleared(home), never_set(home);
    const time_point due = loop::exact_now() + milliseconds(60);
    home.set_deadline(cleared, due - milliseconds(30));
    home.clear_deadline(cleared);
    home.set_deadline(soon, due - milliseconds(30));
    home.set_deadline(soon, due);
    home.run();
    EXPECT_GE(soon.rang, due);
    EXPECT_EQ(cleared.rang, never);
    EXPECT_EQ(never_set.rang, never);
}

TEST(alarm, waits_until_its_time) {
    loop home;
    bool rung = true;
    const time_point due = loop::exact_now() + milliseconds(50);
    const auto body = [](loop& home, time_point due, bool& rung) -> task<void> {
        alarm a(home);
        rung = co_await a.wait_until(due);
        EXPECT_GE(loop::exact_now(), due);
        const bool again = co_await a.wait_until(due);
        EXPECT_FALSE(again);
    };
    run_on(home, body(home, due, rung));
    EXPECT_FALSE(rung);
}

TEST(alarm, is_rung_while_it_waits_however_long_it_would) {
    loop home;
    const auto body = [](loop& home) -> task<void> {
        alarm a(home);
        for (const time_point until : {never, after(home.now(), std::chrono::hours(1))}) {
            home.post([&a] { a.ring(); });
            const bool rung = co_await a.wait_until(until);
            EXPECT_TRUE(rung);
        }
        const bool rung = co_await a.wait_until(loop::exact_now());
        EXPECT_FALSE(rung) << "a ring counts once";
    };
    run_on(home, body(home));
}

TEST(alarm, that_rings_before_anyone_waits_ends_the_next_wait) {
    loop home;
    const auto body = [](loop& home) -> task<void> {
        alarm a(home);
        a.ring();
        a.ring();
        const bool rung = co_await a.wait_until(never);
        EXPECT_TRUE(rung);
        const bool again = co_await a.wait_until(loop::exact_now());
        EXPECT_FALSE(again);
    };
    run_on(home, body(home));
}

TEST(loop, resumes_a_coroutine_that_was_posted_from_another_thread) {
    loop home;
    struct hop {
        loop& home;
        std::thread& helper;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> h) const {
            helper = std::thread([this, h] { home.post(h); });
        }
        void await_resume() const noexcept {}
    };
    const auto body = [](loop& home) -> task<void> {
        std::thread helper;
        co_await hop{home, helper};
        EXPECT_EQ(loop::current(), &home);
        helper.join();
    };
    run_on(home, body(home));
}

}  // namespace
}  // namespace penstock::io
