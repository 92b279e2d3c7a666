// Threads take the next piece until there is none or one of them failed.
#include "worker/weights/parallel_read.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <pthread.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

namespace penstock::worker {

namespace {

constexpr int ended_early = -1;  // beside the values of errno

// 0, a value of errno, or ended_early.
int fill(const read_some& read, std::uint64_t offset, std::span<std::byte> out) {
    while (!out.empty()) {
        const ssize_t n = read(out, offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        if (n == 0) return ended_early;
        out = out.subspan(static_cast<std::size_t>(n));
        offset += static_cast<std::uint64_t>(n);
    }
    return 0;
}

// `readers` - 1 threads, or as many as the system gives: any number reads everything.
void start(
    std::vector<std::jthread>& threads, std::size_t readers, const std::function<void()>& work
) {
    try {
        while (threads.size() + 1 < readers) {
            threads.emplace_back(work);
            pthread_setname_np(threads.back().native_handle(), "reader");
        }
    } catch (const std::system_error&) {
        return;
    }
}

}  // namespace

read_some reads_of(int file) {
    return [file](std::span<std::byte> to, std::uint64_t offset) {
        return ::pread(file, to.data(), to.size(), static_cast<off_t>(offset));
    };
}

result<void> read_in_pieces(
    const read_some& read,
    std::uint64_t offset,
    std::span<std::byte> out,
    unsigned readers,
    std::size_t piece_bytes,
    const piece_seen& seen
) {
    const std::size_t num_pieces = out.size() / piece_bytes + (out.size() % piece_bytes != 0);
    std::atomic<std::size_t> next = 0;
    std::atomic<int> failure = 0;
    const auto work = [&] {
        while (failure.load(std::memory_order_relaxed) == 0) {
            const std::size_t index = next.fetch_add(1, std::memory_order_relaxed);
            const std::size_t begin = index * piece_bytes;
            if (begin >= out.size()) return;
            const auto piece = out.subspan(begin, std::min(piece_bytes, out.size() - begin));
            int none = 0;
            const int failed = fill(read, offset + begin, piece);
            if (failed != 0) failure.compare_exchange_strong(none, failed);
            if (failed == 0 && seen) seen(index, piece);
        }
    };
    {
        std::vector<std::jthread> others;
        start(others, std::min<std::size_t>(readers, num_pieces), work);
        work();
    }
    const int failed = failure;
    if (failed == ended_early)
        return error(errc::io_failed, "the file ended early: it was cut while it was read");
    if (failed != 0) return error(errc::io_failed, std::strerror(failed));
    return success();
}

}  // namespace penstock::worker
