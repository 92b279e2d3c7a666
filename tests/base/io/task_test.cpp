// The coroutine type.
#include "penstock/io/task.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace penstock::io {
namespace {

// Where a coroutine waits until the test resumes it.
struct stop_here {
    std::vector<std::coroutine_handle<>>& waiting;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) const { waiting.push_back(h); }
    void await_resume() const noexcept {}
};

void resume_last(std::vector<std::coroutine_handle<>>& waiting) {
    const auto last = waiting.back();
    waiting.pop_back();
    last.resume();
}

// Counts what lives in coroutine frames.
struct resident {
    explicit resident(int& count) : count(count) { ++count; }
    resident(const resident& other) : resident(other.count) {}
    ~resident() { --count; }
    int& count;
};

task<int> one() {
    co_return 1;
}

task<int> two_ones() {
    const int a = co_await one();
    const int b = co_await one();
    co_return a + b;
}

TEST(task, runs_when_it_is_awaited_and_not_before) {
    bool ran = false;
    const auto body = [](bool& ran) -> task<void> {
        ran = true;
        co_return;
    };
    {
        const task<void> never_awaited = body(ran);
    }
    EXPECT_FALSE(ran);
    spawn(body(ran), [](std::exception_ptr) {});
    EXPECT_TRUE(ran);
}

TEST(task, keeps_the_stack_flat_over_a_million_awaits_that_do_not_wait) {
    std::int64_t sum = 0;
    const auto loop = [](std::int64_t& sum) -> task<void> {
        for (int i = 0; i < 500'000; ++i)
            sum += co_await two_ones();
    };
    spawn(loop(sum), [](std::exception_ptr) {});
    EXPECT_EQ(sum, 1'000'000);
}

TEST(task, keeps_the_stack_flat_over_awaits_that_wait_now_and_then) {
    std::vector<std::coroutine_handle<>> waiting;
    std::int64_t sum = 0;
    const auto sometimes = [](std::vector<std::coroutine_handle<>>& waiting, int i) -> task<int> {
        if (i % 3 == 0) co_await stop_here{waiting};
        co_return 1;
    };
    const auto loop = [](auto& waiting, auto& sometimes, std::int64_t& sum) -> task<void> {
        for (int i = 0; i < 300'000; ++i)
            sum += co_await sometimes(waiting, i);
    };
    spawn(loop(waiting, sometimes, sum), [](std::exception_ptr) {});
    while (!waiting.empty())
        resume_last(waiting);
    EXPECT_EQ(sum, 300'000);
}

TEST(task, returns_values_that_can_only_be_moved) {
    std::string got;
    const auto inner = []() -> task<std::unique_ptr<std::string>> {
        co_return std::make_unique<std::string>("moved");
    };
    const auto outer = [](auto& inner, std::string& got) -> task<void> {
        const auto value = co_await inner();
        got = *value;
    };
    spawn(outer(inner, got), [](std::exception_ptr) {});
    EXPECT_EQ(got, "moved");
}

TEST(task, hands_exceptions_to_who_awaits_before_and_after_a_wait) {
    for (const bool waits : {false, true}) {
        std::vector<std::coroutine_handle<>> waiting;
        std::string caught, ended;
        const auto inner = [](auto& waiting, bool waits) -> task<int> {
            if (waits) co_await stop_here{waiting};
            throw std::runtime_error("inner");
            co_return 1;
        };
        const auto outer = [](auto& inner, auto& waiting, bool waits, auto& caught) -> task<void> {
            try {
                const int value = co_await inner(waiting, waits);
                caught = std::to_string(value);
            } catch (const std::runtime_error& e) {
                caught = e.what();
            }
            throw std::runtime_error("outer");
        };
        spawn(outer(inner, waiting, waits, caught), [&](std::exception_ptr escaped) {
            try {
                if (escaped) std::rethrow_exception(escaped);
            } catch (const std::runtime_error& e) {
                ended = e.what();
            }
        });
        while (!waiting.empty())
            resume_last(waiting);
        EXPECT_EQ(caught, "inner");
        EXPECT_EQ(ended, "outer");
    }
}

TEST(task, says_that_it_has_ended_once_all_it_holds_is_gone_but_its_arguments) {
    std::vector<std::coroutine_handle<>> waiting;
    int residents = 0, at_the_end = -1;
    const auto body = [](auto& waiting, int& residents) -> task<void> {
        const resident local(residents);
        co_await stop_here{waiting};
    };
    spawn(body(waiting, residents), [&](std::exception_ptr) { at_the_end = residents; });
    EXPECT_EQ(residents, 1);
    resume_last(waiting);
    EXPECT_EQ(at_the_end, 0);
    EXPECT_EQ(residents, 0);
}

task<void> innermost(std::vector<std::coroutine_handle<>>& waiting, resident) {
    co_await stop_here{waiting};
}
task<void> middle(std::vector<std::coroutine_handle<>>& waiting, resident by_value) {
    const resident local(by_value);
    co_await innermost(waiting, local);
}

TEST(task, destroys_everything_below_when_it_is_destroyed_while_it_waits) {
    std::vector<std::coroutine_handle<>> waiting;
    int residents = 0;
    struct owner {
        struct promise_type {
            owner get_return_object() {
                return {std::coroutine_handle<promise_type>::from_promise(*this)};
            }
            std::suspend_never initial_suspend() const noexcept { return {}; }
            std::suspend_always final_suspend() const noexcept { return {}; }
            void return_void() const noexcept {}
            void unhandled_exception() const noexcept { std::terminate(); }
        };
        std::coroutine_handle<promise_type> frame;
    };
    const auto top = [](auto& waiting, int& residents) -> owner {
        co_await middle(waiting, resident(residents));
    };
    const owner started = top(waiting, residents);
    EXPECT_FALSE(started.frame.done());
    EXPECT_GE(residents, 3);
    started.frame.destroy();
    EXPECT_EQ(residents, 0);
}

}  // namespace
}  // namespace penstock::io
