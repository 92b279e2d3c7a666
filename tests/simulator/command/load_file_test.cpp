// Loads as a person writes them, and the command that runs them.
#include "simulator/command/load_file.hpp"

#include "simulator/command/command.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace penstock::simulator {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

fs::path repository() {
    return PENSTOCK_SOURCE_DIR;
}

std::string mistakes_in(std::string_view yaml) {
    auto read = read_load(yaml);
    auto* mistakes = std::get_if<std::vector<settings::mistake>>(&read);
    return mistakes ? settings::to_text("load.yaml", *mistakes) : "";
}

TEST(load_file, what_is_not_written_keeps_its_default) {
    const auto read = read_load("seed: 7\n");
    ASSERT_TRUE(std::holds_alternative<load_file>(read));
    const load_file& f = std::get<load_file>(read);
    EXPECT_EQ(f.load.seed, 7u);
    EXPECT_EQ(f.load.length, 240s);
    EXPECT_EQ(f.engine, engine_model{});
    EXPECT_TRUE(f.mean.of_capacity);
}

TEST(load_file, the_example_is_read_whole) {
    std::ifstream in(repository() / "config/examples/loads/overload.yaml");
    const std::string yaml(std::istreambuf_iterator<char>(in), {});
    ASSERT_EQ(mistakes_in(yaml), "");
    const auto read = read_load(yaml);
    const load_file& f = std::get<load_file>(read);
    EXPECT_EQ(f.load.mixes.size(), 2u);
    EXPECT_EQ(f.load.tenants.size(), 3u);
    ASSERT_EQ(f.steps.size(), 2u);
    EXPECT_EQ(f.steps[0].value, 2);
    EXPECT_EQ(f.load.faults[1].speed, 0.3);
    EXPECT_EQ(f.engine.per_sequence, 120us);
}

TEST(load_file, every_mistake_has_its_line_and_field) {
    EXPECT_EQ(mistakes_in("speed: 3\n"), "load.yaml:1:1: speed: there is no such key here\n");
    EXPECT_EQ(
        mistakes_in("seed: 1\nlength: 5\n"), "load.yaml:2:9: length: must be a time, 500ms or 2s\n"
    );
    EXPECT_EQ(
        mistakes_in("mixes:\n  - prompt: {sigma: 9}\n"),
        "load.yaml:2:21: mixes[0].prompt.sigma: must be from 0 to 5\n"
    );
    EXPECT_NE(mistakes_in("rate: fast\n").find("load.yaml:1:7: rate: must be"), std::string::npos);
    EXPECT_NE(mistakes_in("arrivals: {on: 5s, off: 1s}\n").find("peak"), std::string::npos);
    EXPECT_NE(mistakes_in("steps: []\n").find("not empty"), std::string::npos);
    EXPECT_NE(mistakes_in("seed: [\n"), "");
}

// ── the command ─────────────────────────────────────────────────────────────────────────────────

struct said {
    int status;
    std::string out, err;
};

said simulate_with(arguments given) {
    std::ostringstream out, err;
    given.config = (repository() / "config/examples/minimal.yaml").string();
    const int status = simulate(given, {}, out, err);
    return {status, out.str(), err.str()};
}

TEST(command, a_settings_file_under_a_load_gives_a_table) {
    const said s = simulate_with({.rate = "1.2C", .policies = {"fifo", "fixed_slots"}});
    EXPECT_EQ(s.status, 0) << s.err;
    EXPECT_NE(s.out.find("goodput, requests/s"), std::string::npos) << s.out;
    EXPECT_NE(s.out.find("fixed_slots"), std::string::npos);
    EXPECT_NE(s.out.find("G(2), by tokens"), std::string::npos);
}

TEST(command, json_alone_is_asked_for_with_a_dash) {
    const said s = simulate_with({.rate = "5", .json = "-"});
    EXPECT_EQ(s.status, 0) << s.err;
    EXPECT_EQ(s.out.rfind("[{\"name\":", 0), 0u) << s.out;
}

TEST(command, what_is_wrong_is_said) {
    EXPECT_NE(
        simulate_with({.policies = {"best"}}).err.find("there is no best"), std::string::npos
    );
    EXPECT_NE(
        simulate_with({.load = "/nowhere.yaml"}).err.find("cannot be read"), std::string::npos
    );
    EXPECT_NE(
        simulate_with({.model = "other"}).err.find("there is no model other"), std::string::npos
    );
    EXPECT_NE(simulate_with({.rate = "x"}).err.find("--rate"), std::string::npos);
    EXPECT_EQ(simulate_with({.rate = "x"}).status, 1);
}

}  // namespace
}  // namespace penstock::simulator
