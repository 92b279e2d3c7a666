// Threads that share pieces: every piece once, whatever the counts.
#include "worker/ops/cpu/thread_team.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <numeric>

namespace penstock::worker {
namespace {

TEST(thread_team, does_every_piece_once) {
    for (const unsigned size : {1u, 2u, 3u, 7u}) {
        const auto team = thread_team::start(size).value();
        ASSERT_EQ(team->size(), size);
        for (std::size_t pieces = 0; pieces < 70; ++pieces) {
            std::vector<std::atomic<int>> times(pieces);
            std::atomic<bool> strange = false;
            team->run(pieces, [&](std::size_t piece, unsigned thread) {
                ++times[piece];
                if (thread >= size) strange = true;
            });
            for (const auto& n : times)
                ASSERT_EQ(n, 1);
            ASSERT_FALSE(strange);
        }
    }
}

// A thread that comes late to one job must not take a piece of the next for it.
TEST(thread_team, keeps_jobs_apart) {
    const auto team = thread_team::start(4).value();
    std::vector<std::size_t> sums(16);
    for (std::size_t job = 0; job < 20'000; ++job)
        team->run(2 + job % 15, [&](std::size_t piece, unsigned) { sums[piece] += job; });
    std::vector<std::size_t> wanted(16);
    for (std::size_t job = 0; job < 20'000; ++job)
        for (std::size_t piece = 0; piece < 2 + job % 15; ++piece)
            wanted[piece] += job;
    EXPECT_EQ(sums, wanted);
}

// Each thread has memory of its own by its number.
TEST(thread_team, gives_a_number_to_one_thread_at_a_time) {
    const auto team = thread_team::start(5).value();
    std::vector<std::size_t> counts(5);  // not atomic: the sanitizers see two at once
    for (int job = 0; job < 200; ++job)
        team->run(100, [&](std::size_t, unsigned thread) { ++counts[thread]; });
    EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), std::size_t(0)), 20'000u);
}

TEST(thread_team, wakes_threads_that_sleep) {
    const auto team = thread_team::start(2).value();
    for (int job = 0; job < 3; ++job) {
        // Both pieces wait for each other: two threads must be there.
        std::atomic<int> arrived = 0;
        team->run(2, [&](std::size_t, unsigned) {
            ++arrived;
            while (arrived.load() < 2)
                std::this_thread::yield();
        });
        EXPECT_EQ(arrived, 2);
        std::atomic<bool> never = false;
        for (int i = 0; i < 200'000; ++i)
            never = never.load();  // longer than they watch
    }
}

TEST(usable_cores, are_at_least_one) {
    EXPECT_GE(num_usable_cores(), 1u);
    EXPECT_LE(num_usable_cores(), std::max(1u, std::thread::hardware_concurrency()));
}

}  // namespace
}  // namespace penstock::worker
