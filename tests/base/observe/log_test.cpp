// The operational log: lines of JSON, filtered by a level that may change.
#include "penstock/observe/log.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <fcntl.h>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace penstock::observe {
namespace {

class operational_log : public testing::Test {
 protected:
    operational_log() {
        log::set_output([this](std::string_view line) { lines_.emplace_back(line); });
    }
    ~operational_log() override {
        log::set_output({});
        log::set_level(log::level::info);
    }
    simdjson::dom::element last() {
        simdjson::dom::element root;
        EXPECT_FALSE(lines_.empty());
        EXPECT_EQ(parser_.parse(lines_.back()).get(root), simdjson::SUCCESS) << lines_.back();
        return root;
    }

    std::vector<std::string> lines_;
    simdjson::dom::parser parser_;
};

TEST_F(operational_log, says_time_level_event_and_fields) {
    log::warning(
        "replica_state",
        {{"replica", "chat/v1/a"}, {"failures", 5}, {"ready", false}, {"share", 0.25}}
    );
    const auto line = last();
    EXPECT_EQ(lines_.back().back(), '\n');
    EXPECT_EQ(std::string_view(line["level"]), "warning");
    EXPECT_EQ(std::string_view(line["event"]), "replica_state");
    EXPECT_EQ(std::string_view(line["replica"]), "chat/v1/a");
    EXPECT_EQ(std::int64_t(line["failures"]), 5);
    EXPECT_EQ(bool(line["ready"]), false);
    EXPECT_EQ(double(line["share"]), 0.25);
    const std::string_view time(line["time"]);
    ASSERT_EQ(time.size(), 24u);
    EXPECT_EQ(time.substr(0, 2), "20");
    EXPECT_EQ(time[10], 'T');
    EXPECT_EQ(time[23], 'Z');
}

TEST_F(operational_log, leaves_out_what_is_below_the_level) {
    log::debug("a");
    EXPECT_TRUE(lines_.empty()) << "the default is info";
    log::set_level(log::level::debug);
    log::debug("b");
    log::set_level(log::level::error);
    log::warning("c");
    log::error("d");
    log::set_level(log::level::off);
    log::error("e");
    ASSERT_EQ(lines_.size(), 2u);
    EXPECT_NE(lines_[0].find("\"b\""), std::string::npos);
    EXPECT_NE(lines_[1].find("\"d\""), std::string::npos);
}

TEST_F(operational_log, takes_text_as_it_is) {
    log::info("odd {} %v \"event\"\n", {{"a\"key", "{}%n\xff\x01"}, {"nan", std::nan("")}});
    const auto line = last();
    EXPECT_EQ(std::string_view(line["event"]), "odd {} %v \"event\"\n");
    EXPECT_EQ(std::string_view(line["a\"key"]), "{}%n\xef\xbf\xbd\x01");
    EXPECT_TRUE(line["nan"].is_null());
    EXPECT_EQ(std::ranges::count(lines_.back(), '\n'), 1);
}

TEST_F(operational_log, keeps_the_extremes_of_its_numbers) {
    log::info("numbers", {{"low", std::numeric_limits<std::int64_t>::min()}, {"large", 1e300}});
    const auto line = last();
    EXPECT_EQ(std::int64_t(line["low"]), std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(double(line["large"]), 1e300);
}

TEST_F(operational_log, writes_numbers_as_people_do) {
    log::info("numbers", {{"long", 600'000.0}, {"exact", 12.345}, {"none", 0.0}, {"tiny", 1e-9}});
    for (const char* each :
         {"\"long\":600000,", "\"exact\":12.345,", "\"none\":0,", "\"tiny\":1e-09"})
        EXPECT_NE(lines_.back().find(each), std::string::npos) << lines_.back();
}

TEST_F(operational_log, knows_which_levels_it_would_write) {
    log::set_level(log::level::info);
    EXPECT_FALSE(log::says(log::level::debug));
    EXPECT_TRUE(log::says(log::level::info));
    log::set_level(log::level::debug);
    EXPECT_TRUE(log::says(log::level::debug));
}

TEST_F(operational_log, keeps_lines_of_many_threads_whole) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([i] {
            for (int n = 0; n < 100; ++n)
                log::info("many", {{"thread", i}});
        });
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(lines_.size(), 400u);
}

// Standard error is a pipe that nobody reads, and full.
TEST_F(operational_log, drops_a_line_instead_of_waiting_for_standard_error) {
    log::set_output({});
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    const std::string junk(4096, '.');
    while (::write(ends[1], junk.data(), junk.size()) > 0) {
    }
    ASSERT_EQ(::fcntl(ends[1], F_SETFL, 0), 0);
    const int before = ::dup(STDERR_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    const auto dropped = log::lines_dropped();
    log::error("blocked");
    ::dup2(before, STDERR_FILENO);
    EXPECT_EQ(log::lines_dropped(), dropped + 1);
    for (int fd : {ends[0], ends[1], before})
        ::close(fd);
}

TEST_F(operational_log, says_what_escaped_in_its_own_words) {
    log::escaped("probe_failed", std::make_exception_ptr(std::runtime_error("so it is")), "a/b");
    EXPECT_EQ(std::string_view(last()["level"]), "error");
    EXPECT_EQ(std::string_view(last()["event"]), "probe_failed");
    EXPECT_EQ(std::string_view(last()["of"]), "a/b");
    EXPECT_EQ(std::string_view(last()["why"]), "so it is");
    log::escaped("probe_failed", std::make_exception_ptr(17));
    EXPECT_EQ(std::string_view(last()["why"]), "unknown");
    lines_.clear();
    log::escaped("probe_failed", nullptr);
    EXPECT_TRUE(lines_.empty()) << "nothing escaped";
}

}  // namespace
}  // namespace penstock::observe
