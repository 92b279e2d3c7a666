// The access log: one JSON line for each request, the same line that the simulator replays. Threads
// append to buffers of their own; one writer thread brings them to a file, so that a slow or
// blocked output never holds a request up.
#pragma once

#include "penstock/observe/request_record.hpp"
#include "penstock/result.hpp"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace penstock::observe {

// Appends the record as one line of JSON, newline included: always the same fields in the same
// order. A time that never came, no deadline and no max_tokens are null. Bytes that are not UTF-8
// become U+FFFD. Costs below a microsecond.
void append_access_line(std::string& out, const request_record& record);

struct access_log_settings {
    std::string path;                          // a file, appended to; empty: `fd`
    int fd = 1;                                // not closed by us
    std::size_t pending_bytes_max = 8u << 20;  // beyond it lines are dropped and counted
    std::size_t write_at_bytes = 64u << 10;    // pending bytes that are not kept waiting
    duration write_every = std::chrono::milliseconds(100);
    duration patience = std::chrono::seconds(1);  // for a blocked output when the log is closed
};

class access_log {
 public:
    // Used by its own thread alone.
    class thread_log {
     public:
        explicit thread_log(access_log& log) noexcept : log_(log) {}
        // Never blocks on the output.
        void write(const request_record& record);
        // Memory of its buffers. On its own thread.
        std::size_t capacity_bytes();

     private:
        friend class access_log;
        access_log& log_;
        std::string line_;
        std::mutex mutex_;  // held for an append or a swap
        std::string lines_;
    };

    // Throws std::system_error when the file cannot be opened.
    explicit access_log(access_log_settings settings, int num_threads);
    // Writes what is pending, for at most `patience`.
    ~access_log();
    access_log(const access_log&) = delete;
    access_log& operator=(const access_log&) = delete;

    thread_log& of_thread(int index) noexcept { return *threads_[std::size_t(index)]; }

    // True: every line appended before the call was handed to the output, or dropped because the
    // output failed. False: the output stayed blocked for `patience`. Not for request threads.
    bool flush(duration patience = std::chrono::seconds(1));

    // After a rotation: later lines go to a new file of the same name. Nothing to do for `fd`. On
    // failure the old file stays in use.
    result<void> reopen();

    std::uint64_t lines_dropped() const noexcept {
        return dropped_.load(std::memory_order_relaxed);
    }
    std::size_t pending_bytes() const noexcept { return pending_.load(std::memory_order_relaxed); }

 private:
    void run() noexcept;
    void write_pending();
    void write_out(std::string_view lines);
    bool await_writable();
    void take_reopened() noexcept;
    void wake() const noexcept;
    void forget_wakes() const noexcept;

    access_log_settings settings_;
    int wake_fd_ = -1;
    int fd_ = -1;           // the writer's
    bool is_file_ = false;  // never blocks for long: written whole, without asking first
    std::atomic<int> reopened_fd_{-1};
    std::atomic<std::size_t> pending_{0};
    std::atomic<std::uint64_t> dropped_{0};
    std::vector<std::unique_ptr<thread_log>> threads_;
    std::string taken_;  // the writer's half of the swap

    std::mutex mutex_;
    std::condition_variable flushed_;
    std::uint64_t flushes_asked_ = 0, flushes_done_ = 0;
    std::atomic<std::int64_t> give_up_at_{0};  // steady nanoseconds; zero: not closing
    std::thread writer_;
};

}  // namespace penstock::observe
