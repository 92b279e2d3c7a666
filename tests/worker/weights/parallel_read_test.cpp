// Reading in pieces: short reads, signals, errors, and several readers at once.
#include "worker/weights/parallel_read.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <vector>

namespace penstock::worker {
namespace {

std::vector<std::byte> numbered(std::size_t bytes) {
    std::vector<std::byte> made(bytes);
    for (std::size_t i = 0; i < bytes; ++i)
        made[i] = static_cast<std::byte>(i * 31 + i / 251);
    return made;
}

// A file in memory that gives out at most `most` bytes of a read.
read_some reads_of(const std::vector<std::byte>& file, std::size_t most) {
    return [&file, most](std::span<std::byte> to, std::uint64_t offset) -> ssize_t {
        if (offset >= file.size()) return 0;
        const std::size_t n = std::min({to.size(), file.size() - offset, most});
        std::copy_n(file.begin() + std::ptrdiff_t(offset), n, to.begin());
        return static_cast<ssize_t>(n);
    };
}

TEST(parallel_read, reads_the_same_with_any_number_of_readers_and_any_short_read) {
    const auto file = numbered(1000);
    for (const unsigned readers : {0u, 1u, 2u, 3u, 64u})
        for (const std::size_t most : {1u, 7u, 64u, 2000u})
            for (const std::size_t piece : {1u, 64u, 333u, 5000u}) {
                std::vector<std::byte> out(900);
                ASSERT_TRUE(read_in_pieces(reads_of(file, most), 50, out, readers, piece));
                ASSERT_TRUE(std::equal(out.begin(), out.end(), file.begin() + 50));
            }
}

TEST(parallel_read, goes_on_after_a_signal) {
    const auto file = numbered(100);
    const read_some whole = reads_of(file, 10);
    unsigned calls = 0;
    const auto interrupted = [&](std::span<std::byte> to, std::uint64_t offset) -> ssize_t {
        if (calls++ % 2 == 0) {
            errno = EINTR;
            return -1;
        }
        return whole(to, offset);
    };
    std::vector<std::byte> out(100);
    ASSERT_TRUE(read_in_pieces(interrupted, 0, out, 1));
    EXPECT_EQ(out, file);
    EXPECT_EQ(calls, 20u);
}

TEST(parallel_read, says_when_the_file_ends_early) {
    const auto file = numbered(100);
    std::vector<std::byte> out(101);
    const auto done = read_in_pieces(reads_of(file, 1000), 0, out, 3, 10);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, errc::io_failed);
    EXPECT_EQ(done.error().detail, "the file ended early: it was cut while it was read");
}

TEST(parallel_read, stops_at_the_first_error) {
    std::atomic<unsigned> calls = 0;
    const auto broken = [&](std::span<std::byte>, std::uint64_t) -> ssize_t {
        ++calls;
        errno = EIO;
        return -1;
    };
    std::vector<std::byte> out(10'000);
    const auto done = read_in_pieces(broken, 0, out, 4, 1);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, errc::io_failed);
    EXPECT_EQ(done.error().detail, "Input/output error");
    EXPECT_LE(calls, 4u);
}

TEST(parallel_read, has_several_readers_under_way_at_once) {
    const auto file = numbered(30);
    const read_some whole = reads_of(file, 10);
    std::mutex guard;
    std::condition_variable arrived;
    unsigned under_way = 0;
    bool met = false;
    const auto meeting = [&](std::span<std::byte> to, std::uint64_t offset) -> ssize_t {
        std::unique_lock lock(guard);
        met = met || ++under_way == 3;
        arrived.notify_all();
        // Nobody goes on before all three are here.
        arrived.wait_for(lock, std::chrono::seconds(10), [&] { return met; });
        lock.unlock();
        return whole(to, offset);
    };
    std::vector<std::byte> out(30);
    ASSERT_TRUE(read_in_pieces(meeting, 0, out, 3, 10));
    EXPECT_TRUE(met);
    EXPECT_EQ(out, file);
}

TEST(parallel_read, shows_every_piece_once_and_the_same_ones_to_any_number_of_readers) {
    const auto file = numbered(1000);
    for (const unsigned readers : {1u, 4u}) {
        std::vector<std::byte> out(900);
        std::vector<std::atomic<int>> shown(9);
        const auto see = [&](std::size_t index, std::span<const std::byte> piece) {
            ++shown.at(index);
            EXPECT_TRUE(
                std::ranges::equal(piece, std::span(file).subspan(50 + index * 110, piece.size()))
            );
            EXPECT_EQ(piece.size(), index < 8 ? 110u : 20u);
        };
        ASSERT_TRUE(read_in_pieces(reads_of(file, 7), 50, out, readers, 110, see));
        EXPECT_TRUE(std::ranges::all_of(shown, [](const auto& n) { return n == 1; }));
    }
}

TEST(parallel_read, reads_nothing_where_nothing_is_asked) {
    const auto never = [](std::span<std::byte>, std::uint64_t) -> ssize_t {
        ADD_FAILURE();
        return 0;
    };
    EXPECT_TRUE(read_in_pieces(never, 0, {}, 4));
}

}  // namespace
}  // namespace penstock::worker
