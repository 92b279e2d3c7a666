// The access log's writer: nothing is lost on a working output, nobody waits for a blocked one.
#include "penstock/observe/access_log.hpp"

#include "samples.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <signal.h>
#include <stdlib.h>
#include <thread>
#include <unistd.h>

namespace penstock::observe {
namespace {

using namespace std::chrono_literals;
using namespace tests;

std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

auto num_lines(const std::string& text) {
    return std::ranges::count(text, '\n');
}

class folder {
 public:
    folder() {
        std::string name = (std::filesystem::temp_directory_path() / "penstock-XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }
    ~folder() { std::filesystem::remove_all(path_); }
    std::filesystem::path operator/(const char* name) const { return path_ / name; }

 private:
    std::filesystem::path path_;
};

struct pipe_ends {
    int read = -1, write = -1;
    pipe_ends() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) == 0) read = ends[0], write = ends[1];
    }
    ~pipe_ends() {
        close(read);
        close(write);
    }
    void fill() const {
        const int flags = ::fcntl(write, F_GETFL);
        ::fcntl(write, F_SETFL, flags | O_NONBLOCK);
        const std::string junk(4096, '.');
        while (::write(write, junk.data(), junk.size()) > 0) {
        }
        ::fcntl(write, F_SETFL, flags);
    }
    static void close(int& fd) {
        if (fd >= 0) ::close(std::exchange(fd, -1));
    }
};

std::string read_to_end(int fd) {
    std::string all;
    char part[65536];
    for (ssize_t n; (n = ::read(fd, part, sizeof part)) > 0;)
        all.append(part, std::size_t(n));
    return all;
}

std::size_t line_size() {
    std::string line;
    append_access_line(line, served_stream());
    return line.size();
}

TEST(access_log, writes_every_line_of_every_thread_before_it_is_gone) {
    folder here;
    {
        access_log log({.path = here / "access.log"}, 3);
        std::vector<std::thread> threads;
        for (int i = 0; i < 3; ++i)
            threads.emplace_back([&log, i] {
                for (int n = 0; n < 1000; ++n)
                    log.of_thread(i).write(served_stream());
            });
        for (auto& thread : threads)
            thread.join();
    }
    const std::string text = read_file(here / "access.log");
    EXPECT_EQ(num_lines(text), 3000);
    EXPECT_EQ(text.size(), 3000 * line_size()) << "no line is torn";
}

TEST(access_log, has_everything_in_the_file_after_a_flush) {
    folder here;
    access_log log({.path = here / "access.log", .write_every = 1h}, 1);
    log.of_thread(0).write(served_stream());
    ASSERT_TRUE(log.flush());
    EXPECT_EQ(num_lines(read_file(here / "access.log")), 1);
    EXPECT_EQ(log.pending_bytes(), 0u);
    EXPECT_TRUE(log.flush()) << "of nothing";
}

TEST(access_log, keeps_the_order_of_one_thread) {
    folder here;
    access_log log({.path = here / "access.log", .write_at_bytes = 1000}, 1);
    for (int n = 100; n < 500; ++n) {
        auto record = served_stream();
        record.status = n;
        log.of_thread(0).write(record);
    }
    ASSERT_TRUE(log.flush());
    std::ifstream file(here / "access.log");
    int expected = 100;
    for (std::string line; std::getline(file, line); ++expected)
        ASSERT_NE(line.find("\"status\":" + std::to_string(expected)), line.npos);
    EXPECT_EQ(expected, 500);
}

TEST(access_log, writes_without_being_asked_once_enough_is_pending) {
    pipe_ends pipe;
    access_log log({.fd = pipe.write, .write_at_bytes = 2000, .write_every = 1h}, 1);
    for (int n = 0; n < 5; ++n)
        log.of_thread(0).write(served_stream());
    char first = 0;
    EXPECT_EQ(::read(pipe.read, &first, 1), 1);
    EXPECT_EQ(first, '{');
}

TEST(access_log, writes_a_single_line_after_the_period) {
    pipe_ends pipe;
    access_log log({.fd = pipe.write, .write_every = 5ms}, 1);
    log.of_thread(0).write(served_stream());
    char first = 0;
    EXPECT_EQ(::read(pipe.read, &first, 1), 1);
}

TEST(access_log, never_waits_for_a_blocked_output_and_counts_what_it_drops) {
    pipe_ends pipe;
    pipe.fill();
    const std::size_t bound = 100 * line_size();
    access_log log(
        {.fd = pipe.write, .pending_bytes_max = bound, .write_at_bytes = 1, .patience = 10ms}, 1
    );
    constexpr int num_requests = 10'000;
    for (int n = 0; n < num_requests; ++n)
        log.of_thread(0).write(served_stream());
    EXPECT_LE(log.pending_bytes(), bound);
    EXPECT_EQ(log.lines_dropped(), num_requests - 100u);
    EXPECT_FALSE(log.flush(1ms)) << "the output is still blocked";
}

TEST(access_log, goes_on_when_a_blocked_output_is_read_again) {
    pipe_ends pipe;
    pipe.fill();
    std::string text;
    std::uint64_t dropped = 0;
    {
        access_log log({.fd = pipe.write, .pending_bytes_max = 50 * line_size()}, 2);
        for (int n = 0; n < 100; ++n)
            log.of_thread(n % 2).write(served_stream());
        EXPECT_EQ(log.lines_dropped(), 50u);
        std::thread reader([&] { text = read_to_end(pipe.read); });
        EXPECT_TRUE(log.flush(60s));
        for (int n = 0; n < 10; ++n)
            log.of_thread(0).write(served_stream());
        EXPECT_TRUE(log.flush(60s));
        dropped = log.lines_dropped();
        pipe_ends::close(pipe.write);
        reader.join();
    }
    EXPECT_EQ(dropped, 50u);
    EXPECT_EQ(num_lines(text), 60);
    EXPECT_EQ(text.size() - text.find('{'), 60 * line_size());
}

TEST(access_log, gives_up_a_blocked_output_when_it_is_closed) {
    pipe_ends pipe;
    pipe.fill();
    auto log =
        std::make_unique<access_log>(access_log_settings{.fd = pipe.write, .patience = 5ms}, 2);
    log->of_thread(0).write(served_stream());
    log->of_thread(1).write(served_stream());
    log.reset();
    SUCCEED() << "the destructor came back";
}

TEST(access_log, counts_lines_that_nobody_can_read_and_lives_on) {
    pipe_ends pipe;
    pipe_ends::close(pipe.read);
    access_log log({.fd = pipe.write}, 1);
    for (int n = 0; n < 7; ++n)
        log.of_thread(0).write(served_stream());
    EXPECT_TRUE(log.flush(60s));
    EXPECT_EQ(log.lines_dropped(), 7u);
    EXPECT_EQ(log.pending_bytes(), 0u);
}

TEST(access_log, counts_lines_that_a_full_disk_refuses) {
    access_log log({.path = "/dev/full"}, 1);
    log.of_thread(0).write(served_stream());
    EXPECT_TRUE(log.flush(60s));
    EXPECT_EQ(log.lines_dropped(), 1u);
}

TEST(access_log, writes_to_a_new_file_after_a_rotation) {
    folder here;
    access_log log({.path = here / "access.log"}, 1);
    log.of_thread(0).write(served_stream());
    ASSERT_TRUE(log.flush());
    std::filesystem::rename(here / "access.log", here / "access.log.1");
    ASSERT_TRUE(log.reopen().has_value());
    ASSERT_TRUE(log.reopen().has_value()) << "twice before the writer saw it";
    log.of_thread(0).write(served_stream());
    log.of_thread(0).write(served_stream());
    ASSERT_TRUE(log.flush());
    EXPECT_EQ(num_lines(read_file(here / "access.log.1")), 1);
    EXPECT_EQ(num_lines(read_file(here / "access.log")), 2);
}

TEST(access_log, keeps_the_old_file_when_the_new_one_cannot_be_opened) {
    folder here;
    std::filesystem::create_directory(here / "logs");
    access_log log({.path = here / "logs" / "access.log"}, 1);
    std::filesystem::rename(here / "logs", here / "moved");
    const auto reopened = log.reopen();
    ASSERT_TRUE(reopened.has_error());
    EXPECT_EQ(reopened.error().code, errc::io_failed);
    log.of_thread(0).write(served_stream());
    ASSERT_TRUE(log.flush());
    EXPECT_EQ(num_lines(read_file(here / "moved" / "access.log")), 1);
}

TEST(access_log, appends_to_what_is_there) {
    folder here;
    for (int run = 0; run < 2; ++run)
        access_log({.path = here / "access.log"}, 1).of_thread(0).write(served_stream());
    EXPECT_EQ(num_lines(read_file(here / "access.log")), 2);
}

TEST(access_log, says_at_start_up_that_a_file_cannot_be_opened) {
    EXPECT_THROW(access_log({.path = "/nowhere/access.log"}, 1), std::system_error);
}

TEST(access_log, holds_the_same_memory_after_many_lines) {
    folder here;
    access_log log({.path = here / "access.log"}, 1);
    for (int round = 0; round < 50; ++round) {
        for (int n = 0; n < 100; ++n)
            log.of_thread(0).write(served_stream());
        ASSERT_TRUE(log.flush());
        ASSERT_EQ(log.pending_bytes(), 0u);
    }
    EXPECT_EQ(num_lines(read_file(here / "access.log")), 5000);
    EXPECT_EQ(log.lines_dropped(), 0u);
    EXPECT_LT(log.of_thread(0).capacity_bytes(), 200 * line_size());
}

}  // namespace
}  // namespace penstock::observe
