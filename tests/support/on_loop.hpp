// Runs a coroutine to its end on an event loop of the test's own thread.
#pragma once

#include "penstock/io/loop.hpp"
#include "penstock/io/task.hpp"
#include "support/socket.hpp"

#include <gtest/gtest.h>

#include <exception>
#include <utility>

// In a coroutine, where ASSERT_… cannot stand: its `return` is not `co_return`.
#define CO_REQUIRE(condition)                      \
    if (!(condition)) {                            \
        ADD_FAILURE() << "not so: " << #condition; \
        co_return;                                 \
    }

namespace penstock::test {

// Ends a test that waits for what never comes.
class watchdog final : io::timed {
 public:
    explicit watchdog(io::loop& home) : home_(home) {
        home_.set_deadline(*this, after(io::loop::exact_now(), patience));
    }
    ~watchdog() override { home_.clear_deadline(*this); }

 private:
    void on_time() noexcept override {
        ADD_FAILURE() << "the coroutine did not end";
        home_.stop();
    }
    io::loop& home_;
};

// Once for each loop: it is stopped afterwards. What escapes from `body` is thrown here.
inline void run_on(io::loop& home, io::task<void> body) {
    std::exception_ptr escaped;
    {
        const watchdog patient(home);
        io::spawn(std::move(body), [&](std::exception_ptr what) {
            escaped = what;
            home.stop();
        });
        home.run();
    }
    if (escaped) std::rethrow_exception(escaped);
}

// co_await turn{loop}: everything that is ready now runs first.
struct turn {
    io::loop& home;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) const { home.post(h); }
    void await_resume() const noexcept {}
};

// Lets the loop run until `holds()`, at most for `patience`; whether it held.
template <class Holds>
io::task<bool> until(io::loop& home, Holds holds) {
    const auto end = clock::now() + patience;
    while (!holds()) {
        if (clock::now() > end) co_return false;
        co_await turn{home};
    }
    co_return true;
}

}  // namespace penstock::test
