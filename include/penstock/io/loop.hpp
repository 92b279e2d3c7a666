// One thread's event loop: its io_context, its scratch buffer, its time wheel. Everything made with
// a loop is used on that loop's thread only; `post` and `stop` alone may be called from any thread.
#pragma once

#include "penstock/clock.hpp"

#include <array>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

namespace boost::asio {
class io_context;
}

namespace penstock::io {

// Something that a loop calls when its time has come. Setting a later deadline costs one store: the
// wheel looks again when the earlier one would have fired (dataplane.md §3, one coarse sweep).
class timed {
 public:
    timed() = default;
    timed(const timed&) = delete;
    timed& operator=(const timed&) = delete;

    time_point deadline() const noexcept { return deadline_; }

 protected:
    virtual ~timed();
    // On the loop's thread, up to one tick late; `deadline()` is then `never`.
    virtual void on_time() noexcept = 0;

 private:
    friend class loop;
    friend class time_wheel;
    time_point deadline_ = never;
    timed* next_ = nullptr;
    timed** link_ = nullptr;  // what points at us; null: in no bucket
    std::uint64_t tick_ = 0;  // of the bucket
};

// 20 ms buckets, 512 of them; what is later waits in the last and is looked at again.
class time_wheel {
 public:
    static constexpr duration tick = std::chrono::milliseconds(20);

    explicit time_wheel(time_point now) noexcept;
    void set(timed& who, time_point deadline) noexcept;
    void clear(timed& who) noexcept;
    // Calls `on_time` of everything due. It may set, clear and destroy any other `timed`.
    void advance(time_point now) noexcept;

 private:
    static constexpr std::size_t num_buckets = 512;
    std::uint64_t due_tick(time_point deadline) const noexcept;
    void link(timed& who) noexcept;
    static void unlink(timed& who) noexcept;
    std::array<timed*, num_buckets> buckets_{};
    time_point start_;
    std::uint64_t now_ = 0;  // tick up to which all has been looked at
};

class loop {
 public:
    explicit loop(int index = 0);
    ~loop();
    loop(const loop&) = delete;
    loop& operator=(const loop&) = delete;

    void run();                               // until `stop`
    void stop() noexcept;                     // any thread
    void post(std::function<void()> what);    // any thread; runs later on this loop's thread
    void post(std::coroutine_handle<> what);  // any thread

    // co_await home.turn(): goes on once all that is ready now has been read. Sends of many
    // connections then leave back to back, and one wake-up of the other side serves them all
    // (docs/decisions/0009-sends-leave-together.md).
    struct turn_awaiter {
        loop& home;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> h) const { home.next_turn(h); }
        void await_resume() const noexcept {}
    };
    turn_awaiter turn() noexcept { return {*this}; }

    // Coarse: up to one tick of the kernel (4 ms) behind, never ahead; costs 3 ns.
    time_point now() const noexcept;
    // Reads the clock.
    static time_point exact_now() noexcept;

    void set_deadline(timed& who, time_point deadline) noexcept;
    void clear_deadline(timed& who) noexcept;

    // 64 KiB for one read or write. Valid until the next co_await of anything on this loop.
    std::span<char> scratch() noexcept;

    int index() const noexcept;
    // The loop whose `run` this thread is in; null outside of one.
    static loop* current() noexcept;
    boost::asio::io_context& context() noexcept;

 private:
    void next_turn(std::coroutine_handle<> who);

    struct state;
    std::unique_ptr<state> state_;
};

// co_await sleep_until(loop, when): for rare waits (back-off, probes); up to one tick late. Not
// cancelable but by `alarm::ring`.
class alarm final : private timed {
 public:
    explicit alarm(loop& home) noexcept : home_(home) {}
    ~alarm() override { home_.clear_deadline(*this); }

    // Resumes the waiter, now or at its next wait. On the loop's thread.
    void ring() noexcept;

    // co_await wait_until(when): true when rung, false when the time came.
    struct waiter {
        alarm& self;
        time_point when;
        bool await_ready() const noexcept;
        void await_suspend(std::coroutine_handle<> h) noexcept;
        bool await_resume() noexcept;
    };
    waiter wait_until(time_point when) noexcept { return {*this, when}; }

 private:
    void on_time() noexcept override;
    loop& home_;
    std::coroutine_handle<> sleeper_;
    bool rung_ = false;
};

}  // namespace penstock::io
