// A job is begun by storing its pieces into one word and ended when the last piece is done. Both
// sides watch for a short while before they sleep: the next op of a step is microseconds away.
#include "worker/ops/cpu/thread_team.hpp"

#include <pthread.h>
#include <string>
#include <system_error>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace penstock::worker {
namespace {

// Some tens of microseconds: longer than the gap between two ops, shorter than a sleep costs.
constexpr int num_looks = 2000;
constexpr std::uint64_t pieces_mask = 0xffffffffu;

void relax() noexcept {
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

// Until `word` is not `old`.
void await_change(const std::atomic<std::uint32_t>& word, std::uint32_t old) noexcept {
    for (int i = 0; i < num_looks; ++i) {
        if (word.load(std::memory_order_acquire) != old) return;
        relax();
    }
    word.wait(old, std::memory_order_acquire);
}

}  // namespace

result<std::unique_ptr<thread_team>> thread_team::start(unsigned size) {
    std::unique_ptr<thread_team> team(new thread_team);
    try {
        team->threads_.reserve(size);
        for (unsigned i = 1; i < size; ++i) {
            team->threads_.emplace_back([team = team.get(), i] { team->serve(i); });
            const std::string name = "cpu team " + std::to_string(i);
            pthread_setname_np(team->threads_.back().native_handle(), name.c_str());
        }
    } catch (const std::system_error& e) {
        return error(errc::internal, std::string("cannot start a thread: ") + e.what());
    }
    return team;
}

thread_team::~thread_team() {
    ending_ = true;
    ++calls_;
    calls_.notify_all();
    for (auto& thread : threads_)
        thread.join();
}

void thread_team::run_all(std::size_t num_pieces, work_function work, void* with) noexcept {
    if (num_pieces <= 1 || threads_.empty()) {
        for (std::size_t i = 0; i < num_pieces; ++i)
            work(with, i, 0);
        return;
    }
    work_ = work;
    with_ = with;
    const std::uint64_t job = calls_.load(std::memory_order_relaxed) + std::uint64_t(1);
    unfinished_.store(std::uint32_t(num_pieces), std::memory_order_relaxed);
    untaken_.store(job << 32 | num_pieces, std::memory_order_release);
    calls_.fetch_add(1, std::memory_order_release);
    calls_.notify_all();

    while (take_piece(0)) {
    }
    for (;;) {
        const std::uint32_t left = unfinished_.load(std::memory_order_acquire);
        if (left == 0) return;
        await_change(unfinished_, left);
    }
}

bool thread_team::take_piece(unsigned thread) noexcept {
    std::uint64_t seen = untaken_.load(std::memory_order_acquire);
    do {
        if ((seen & pieces_mask) == 0) return false;
    } while (!untaken_.compare_exchange_weak(
        seen, seen - 1, std::memory_order_acquire, std::memory_order_acquire
    ));
    // The job cannot end, nor another begin, before this piece is done.
    work_(with_, (seen & pieces_mask) - 1, thread);
    if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_one();
    return true;
}

void thread_team::serve(unsigned thread) noexcept {
    std::uint32_t seen = 0;
    while (!ending_.load(std::memory_order_acquire)) {
        while (take_piece(thread)) {
        }
        await_change(calls_, seen);
        seen = calls_.load(std::memory_order_acquire);
    }
}

}  // namespace penstock::worker
