// The event loop of one thread.
#include "penstock/io/loop.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <time.h>
#include <vector>

namespace penstock::io {
namespace {

time_point read_clock(clockid_t which) noexcept {
    timespec t{};
    clock_gettime(which, &t);
    return time_point(std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec));
}

thread_local loop* running = nullptr;

}  // namespace

struct loop::state {
    explicit state(int index)
        : index(index),
          wheel(read_clock(CLOCK_MONOTONIC)),
          ticker(context),
          busy(context.get_executor()) {}

    int index;
    // Outlives the context, whose pending operations own what hangs in it.
    time_wheel wheel;
    boost::asio::io_context context{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};  // one thread runs it
    boost::asio::basic_waitable_timer<
        std::chrono::steady_clock,
        boost::asio::wait_traits<std::chrono::steady_clock>,
        boost::asio::io_context::executor_type>
        ticker;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> busy;
    alignas(64) std::array<char, 64 * 1024> scratch;
    std::vector<std::coroutine_handle<>> next_turn, this_turn;

    void keep_ticking() {
        ticker.expires_after(time_wheel::tick);
        ticker.async_wait([this](boost::system::error_code failed) {
            if (failed) return;
            wheel.advance(read_clock(CLOCK_MONOTONIC));
            keep_ticking();
        });
    }
};

loop::loop(int index) : state_(std::make_unique<state>(index)) {
    state_->keep_ticking();
}
loop::~loop() = default;

void loop::run() {
    running = this;
    state_->context.run();
    running = nullptr;
}
loop* loop::current() noexcept {
    return running;
}
void loop::stop() noexcept {
    state_->context.stop();
}
void loop::post(std::function<void()> what) {
    boost::asio::post(state_->context, std::move(what));
}
void loop::post(std::coroutine_handle<> what) {
    boost::asio::post(state_->context, [what] { what.resume(); });
}

void loop::next_turn(std::coroutine_handle<> who) {
    auto& s = *state_;
    s.next_turn.push_back(who);
    if (s.next_turn.size() > 1) return;
    boost::asio::post(s.context, [&s] {
        s.this_turn.swap(s.next_turn);
        for (const auto each : s.this_turn)
            each.resume();
        s.this_turn.clear();
    });
}

time_point loop::now() const noexcept {
    return read_clock(CLOCK_MONOTONIC_COARSE);
}
time_point loop::exact_now() noexcept {
    return read_clock(CLOCK_MONOTONIC);
}

void loop::set_deadline(timed& who, time_point deadline) noexcept {
    state_->wheel.set(who, deadline);
}
void loop::clear_deadline(timed& who) noexcept {
    state_->wheel.clear(who);
}

std::span<char> loop::scratch() noexcept {
    return state_->scratch;
}
int loop::index() const noexcept {
    return state_->index;
}
boost::asio::io_context& loop::context() noexcept {
    return state_->context;
}

// ── alarm ───────────────────────────────────────────────────────────────────────────────────────

bool alarm::waiter::await_ready() const noexcept {
    return self.rung_;
}

void alarm::waiter::await_suspend(std::coroutine_handle<> h) noexcept {
    self.sleeper_ = h;
    if (when != never) self.home_.set_deadline(self, when);
}

bool alarm::waiter::await_resume() noexcept {
    return std::exchange(self.rung_, false);
}

void alarm::ring() noexcept {
    rung_ = true;
    home_.clear_deadline(*this);
    if (sleeper_) home_.post(std::exchange(sleeper_, nullptr));
}

void alarm::on_time() noexcept {
    if (sleeper_) std::exchange(sleeper_, nullptr).resume();
}

}  // namespace penstock::io
