// The threads of the CPU backend: pieces of one op are handed to whoever is free, the calling
// thread among them.
//
// Which thread takes which piece is never seen in a result: a piece is a set of outputs, and
// outputs do not meet. A thread that the system has put aside delays nobody unless it holds a
// piece.
#pragma once

#include "penstock/result.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <type_traits>
#include <vector>

namespace penstock::worker {

class thread_team {
 public:
    // `size` threads, the calling one included. Errors: internal, when the system gives no more.
    static result<std::unique_ptr<thread_team>> start(unsigned size);
    ~thread_team();
    thread_team(const thread_team&) = delete;
    thread_team& operator=(const thread_team&) = delete;

    unsigned size() const noexcept { return unsigned(threads_.size()) + 1; }

    // Calls `work(piece, thread)` once for every piece from 0 to `num_pieces` and returns when all
    // are done. `thread` is below size(): for memory of its own. `work` must not throw, nor call
    // this again. By one thread at a time.
    template <class Work>
    void run(std::size_t num_pieces, Work&& work) noexcept {
        using callable = std::remove_reference_t<Work>;
        run_all(
            num_pieces,
            [](void* with, std::size_t piece, unsigned thread) {
                (*static_cast<callable*>(with))(piece, thread);
            },
            const_cast<void*>(static_cast<const void*>(&work))
        );
    }

 private:
    using work_function = void (*)(void* with, std::size_t piece, unsigned thread);

    thread_team() = default;
    void run_all(std::size_t num_pieces, work_function work, void* with) noexcept;
    void serve(unsigned thread) noexcept;
    bool take_piece(unsigned thread) noexcept;

    // Of the job whose pieces are being taken; written only while none is left.
    work_function work_ = nullptr;
    void* with_ = nullptr;

    // The number of the job above, the pieces that nobody has taken yet below: one exchange takes a
    // piece of exactly the job that was looked at.
    alignas(64) std::atomic<std::uint64_t> untaken_ = 0;
    alignas(64) std::atomic<std::uint32_t> unfinished_ = 0;
    alignas(64) std::atomic<std::uint32_t> calls_ = 0;  // jobs begun: what idle threads wait for
    std::atomic<bool> ending_ = false;
    std::vector<std::thread> threads_;
};

// Cores that this process may use: by its affinity and by the quota of its control group.
unsigned num_usable_cores() noexcept;

}  // namespace penstock::worker
