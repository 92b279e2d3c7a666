// The options of the program: each reaches its field, and each is in the manual.
#include "worker/command_line.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <regex>
#include <set>
#include <sstream>

namespace penstock::worker::test {
namespace {

using namespace std::chrono_literals;

command_line_read read(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "penstock-worker");
    return read_command_line(static_cast<int>(arguments.size()), arguments.data(), "1.2.3");
}

worker_options options_with(const char* name, const char* value) {
    const auto got = read({"--model", "m", "--listen", "127.0.0.1:0", name, value});
    EXPECT_TRUE(got.line.has_value()) << name;
    return got.line ? got.line->options : worker_options{};
}

// What an option sets, as a number: bytes, counts, or milliseconds.
struct numeric_option {
    const char* name;
    const char* value;
    double wanted;
    std::function<double(const worker_options&)> field;
};

double in_ms(duration d) {
    return std::chrono::duration<double, std::milli>(d).count();
}

#define FIELD(of) [](const worker_options& o) { return static_cast<double>(o.of); }
#define TIME(of) [](const worker_options& o) { return in_ms(o.of); }

const numeric_option numeric_options[] = {
    {"--threads", "3", 3, FIELD(threads)},
    {"--read-threads", "5", 5, FIELD(read_threads)},
    {"--max-positions", "77", 77, FIELD(max_positions)},
    {"--max-sequences", "7", 7, FIELD(engine.max_sequences)},
    {"--max-step-tokens", "99", 99, FIELD(engine.max_step_tokens)},
    {"--max-waiting", "8", 8, FIELD(engine.max_waiting)},
    {"--max-overtakes", "0", 0, FIELD(engine.max_overtakes)},
    {"--kv-bytes", "2MiB", 2 << 20, FIELD(engine.kv_bytes)},
    {"--bulk-reserve", "0.5", 0.5, FIELD(engine.bulk_reserve)},
    {"--max-bulk-age", "1.5", 1500, TIME(engine.max_bulk_age)},
    {"--max-choices", "3", 3, FIELD(requests.max_choices)},
    {"--max-stops", "4", 4, FIELD(requests.max_stops)},
    {"--max-stop-bytes", "2KiB", 2048, FIELD(requests.max_stop_bytes)},
    {"--max-stop-ids", "5", 5, FIELD(requests.max_stop_ids)},
    {"--max-biases", "6", 6, FIELD(requests.max_biases)},
    {"--max-salt-bytes", "64", 64, FIELD(requests.max_salt_bytes)},
    {"--json-depth", "10", 10, FIELD(requests.json_depth)},
    {"--template-output-bytes", "1KiB", 1024, FIELD(chat.output_bytes)},
    {"--template-steps", "1000", 1000, FIELD(chat.steps)},
    {"--template-depth", "9", 9, FIELD(chat.depth)},
    {"--backlog", "12", 12, FIELD(door.backlog)},
    {"--max-connections", "13", 13, FIELD(door.max_connections)},
    {"--head-bytes", "4KiB", 4096, FIELD(door.server.head.head_bytes)},
    {"--target-bytes", "1KiB", 1024, FIELD(door.server.head.target_bytes)},
    {"--max-headers", "14", 14, FIELD(door.server.head.num_headers)},
    {"--body-bytes", "3KiB", 3072, FIELD(door.server.body_bytes)},
    {"--bodies-bytes", "4KiB", 4096, FIELD(door.bodies_bytes)},
    {"--in-place-bytes", "100", 100, FIELD(door.service.in_place_bytes)},
    {"--text-threads", "2", 2, FIELD(door.service.text_threads)},
    {"--max-waiting-texts", "15", 15, FIELD(door.service.max_waiting_texts)},
    {"--head-timeout", "0.25", 250, TIME(door.server.head_timeout)},
    {"--body-timeout", "2", 2000, TIME(door.server.body_timeout)},
    {"--idle-timeout", "3", 3000, TIME(door.server.idle_timeout)},
    {"--stall-timeout", "4", 4000, TIME(door.server.stall_timeout)},
    {"--keepalive-after", "0", 0, TIME(door.service.keepalive_after)},
    {"--drain-timeout", "0", 0, TIME(drain_timeout)},
};

TEST(every_option, reaches_its_field_and_has_the_fields_own_default) {
    const worker_options usual;
    const worker_options bare = options_with("--device", "auto");
    for (const auto& each : numeric_options) {
        EXPECT_EQ(each.field(options_with(each.name, each.value)), each.wanted) << each.name;
        EXPECT_EQ(each.field(bare), each.field(usual)) << each.name;
        EXPECT_NE(each.field(usual), each.wanted) << each.name << ": the value tells nothing";
    }
}

TEST(every_option, of_text_reaches_its_field) {
    EXPECT_EQ(options_with("--served-name", "x").served_name, "x");
    EXPECT_EQ(options_with("--device", "cpu").device, "cpu");
    EXPECT_EQ(options_with("--cache-domain", "d").engine.cache_domain, "d");
    const auto listen = options_with("--listen", "unix:/x").door.listen;
    EXPECT_EQ(listen, (std::vector<std::string>{"127.0.0.1:0", "unix:/x"}));
    const auto got = read({"--model", "m", "--listen", "a:1", "--no-prefix-cache"});
    ASSERT_TRUE(got.line);
    EXPECT_FALSE(got.line->options.engine.reuse_prefixes);
    EXPECT_TRUE(options_with("--device", "cpu").engine.reuse_prefixes);
}

TEST(an_option, out_of_range_ends_the_program) {
    for (const auto& [name, value] :
         {std::pair{"--json-depth", "100000"},
          {"--template-depth", "100000"},
          {"--idle-timeout", "0"},
          {"--max-choices", "0"},
          {"--max-stop-bytes", "many"}}) {
        testing::internal::CaptureStderr();
        const auto got = read({"--model", "m", "--listen", "a:1", name, value});
        const std::string said = testing::internal::GetCapturedStderr();
        EXPECT_FALSE(got.line) << name;
        EXPECT_NE(got.exit_code, 0) << name;
        EXPECT_NE(said.find(name), std::string::npos) << said;
    }
}

TEST(the_manual, names_every_option) {
    std::ifstream in(PENSTOCK_SOURCE_DIR "/docs/worker.md");
    std::ostringstream manual;
    manual << in.rdbuf();
    testing::internal::CaptureStdout();
    EXPECT_EQ(read({"--help"}).exit_code, 0);
    const std::string help = testing::internal::GetCapturedStdout();
    const std::regex option("--[a-z][a-z-]+");
    std::set<std::string> names;
    for (std::sregex_iterator at(help.begin(), help.end(), option), end; at != end; ++at)
        names.insert(at->str());
    EXPECT_GT(names.size(), std::size(numeric_options));
    for (const std::string& name : names)
        EXPECT_TRUE(std::regex_search(manual.str(), std::regex(name + "(?![a-z-])"))) << name;
}

}  // namespace
}  // namespace penstock::worker::test
