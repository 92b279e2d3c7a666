// Threads beside the loop for the text work of long requests, which would hold everybody's stream
// up: parsing, rendering and encoding a megabyte takes tens of milliseconds.
#pragma once

#include "penstock/io/loop.hpp"

#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace penstock::worker {

// Destroyed before the loop: what it has begun is finished, what waits is dropped.
class text_pool {
 public:
    text_pool(unsigned num_threads, std::size_t waiting_max);
    ~text_pool();

    // co_await pool.run(home, what): true once `what` has run on one of the threads and the caller
    // goes on on `home`; false, at once and without running it, when `waiting_max` wait already.
    struct job {
        text_pool& pool;
        io::loop& home;
        std::function<void()> what;
        bool refused = false;
        bool await_ready() const noexcept { return false; }
        bool await_suspend(std::coroutine_handle<> h);
        bool await_resume() const noexcept { return !refused; }
    };
    job run(io::loop& home, std::function<void()> what) { return {*this, home, std::move(what)}; }

 private:
    struct waiting {
        job* work;
        std::coroutine_handle<> caller;
    };
    void work_off(const std::stop_token& stop);

    const std::size_t waiting_max_;
    std::mutex mutex_;
    std::condition_variable_any more_;
    std::deque<waiting> queue_;
    std::vector<std::jthread> threads_;
};

}  // namespace penstock::worker
