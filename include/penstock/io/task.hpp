// task<T>: a lazy coroutine that runs when it is awaited and resumes its awaiter when it ends.
// Not bound to Asio, so that a stream costs little memory and headers stay light
// (docs/decisions/0002-own-task-type.md).
//
// A coroutine that is awaited at once may take references; one that is spawned takes values.
#pragma once

#include "penstock/io/frame_pool.hpp"

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace penstock::io {

template <class T>
class task;

namespace detail {

struct promise_base {
    static void* operator new(std::size_t size) { return frame_pool::take(size); }
    static void operator delete(void* frame, std::size_t size) noexcept {
        frame_pool::give(frame, size);
    }

    std::coroutine_handle<> awaiter = std::noop_coroutine();
    std::exception_ptr escaped;

    struct resume_awaiter {
        bool await_ready() const noexcept { return false; }
        template <class Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
            return ended.promise().awaiter;
        }
        void await_resume() const noexcept {}
    };

    std::suspend_always initial_suspend() const noexcept { return {}; }
    resume_awaiter final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept { escaped = std::current_exception(); }
};

template <class T>
struct promise : promise_base {
    std::optional<T> value;

    task<T> get_return_object() noexcept;
    template <class U>
    void return_value(U&& u) {
        value.emplace(std::forward<U>(u));
    }
    T take() {
        if (escaped) std::rethrow_exception(escaped);
        return std::move(*value);
    }
};

template <>
struct promise<void> : promise_base {
    task<void> get_return_object() noexcept;
    void return_void() const noexcept {}
    void take() const {
        if (escaped) std::rethrow_exception(escaped);
    }
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] task {
 public:
    using promise_type = detail::promise<T>;
    using handle = std::coroutine_handle<promise_type>;

    explicit task(handle h) noexcept : handle_(h) {}
    task(task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    task& operator=(task&&) = delete;
    ~task() {
        if (handle_) handle_.destroy();
    }

    bool await_ready() const noexcept { return false; }
    // Runs the body here, and goes on without suspending when it ended at once: a loop over awaits
    // that never wait keeps its stack flat, also where the compiler makes no tail calls.
    bool await_suspend(std::coroutine_handle<> awaiter) const {
        handle_.resume();
        if (handle_.done()) return false;
        handle_.promise().awaiter = awaiter;
        return true;
    }
    T await_resume() const { return handle_.promise().take(); }

 private:
    handle handle_;
};

namespace detail {

template <class T>
task<T> promise<T>::get_return_object() noexcept {
    return task<T>(std::coroutine_handle<promise<T>>::from_promise(*this));
}
inline task<void> promise<void>::get_return_object() noexcept {
    return task<void>(std::coroutine_handle<promise<void>>::from_promise(*this));
}

// Owns itself: destroyed when it ends.
struct detached {
    struct promise_type {
        detached get_return_object() const noexcept { return {}; }
        std::suspend_never initial_suspend() const noexcept { return {}; }
        std::suspend_never final_suspend() const noexcept { return {}; }
        void return_void() const noexcept {}
        void unhandled_exception() const noexcept { std::terminate(); }
    };
};

template <class Ended>
detached run_detached(task<void> body, Ended ended) {
    std::exception_ptr escaped;
    try {
        co_await std::move(body);
    } catch (...) {
        escaped = std::current_exception();
    }
    ended(escaped);
}

}  // namespace detail

// Starts `body` now, on this thread; `ended(std::exception_ptr)` is called when it has ended.
template <class Ended>
void spawn(task<void> body, Ended ended) {
    detail::run_detached(std::move(body), std::move(ended));
}

}  // namespace penstock::io
