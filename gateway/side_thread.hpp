// One thread beside the loops, for what takes milliseconds and must not hold a loop up.
#pragma once

#include "penstock/io/loop.hpp"

#include <condition_variable>
#include <coroutine>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace penstock::gateway {

// Destroyed before the loops: what it has begun is finished, what waits is dropped.
class side_thread {
 public:
    side_thread();

    // co_await side.run(home, what): `what` runs on the side thread, one after the other in the
    // order in which they were asked for; then the caller goes on on `home`, its own loop. Each
    // client connection has at most one waiting, so `limits.connections` bounds them.
    struct job {
        side_thread& side;
        io::loop& home;
        std::function<void()> what;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> h) { side.add(*this, h); }
        void await_resume() const noexcept {}
    };
    job run(io::loop& home, std::function<void()> what) { return {*this, home, std::move(what)}; }

 private:
    struct waiting {
        job* work;
        std::coroutine_handle<> caller;
    };
    void add(job& work, std::coroutine_handle<> caller);
    void work_off(const std::stop_token& stop);

    std::mutex mutex_;
    std::condition_variable_any more_;
    std::deque<waiting> queue_;
    std::jthread thread_;
};

}  // namespace penstock::gateway
