// One point of `./dev bench overload`: engines and clients with real bytes around a gateway, then
// the same load, seed and settings in the simulator.
//
//     bench_overload --load FILE [--rate 2.0C] [--seed N] [--seconds S] [--warm-up S] …
//
// Says {"engines": [ports], "keys": [{"tenant": …, "key": …}]}, then waits for a line
// "PORT SETTINGS" about a gateway that has these engines as replicas of its model `bench`. Says
// {"window": "begins"} and {"window": "ends"} around the arrivals that count, and at last both
// sides' figures.
#include "bench/overload/real_run.hpp"
#include "gateway/settings/load.hpp"
#include "simulator/command/domain.hpp"
#include "simulator/command/load_file.hpp"
#include "simulator/policies.hpp"
#include "simulator/report.hpp"

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <csignal>
#include <fstream>
#include <sstream>

namespace penstock::bench {
namespace {

namespace json = boost::json;
using simulator::run_result;

constexpr const char* model_name = "bench";

struct options {
    std::string load, rate, freeze;
    std::uint32_t replicas = 4;
    std::int64_t seed = -1;
    double seconds = 0, warm_up = -1, drain = 60;
    double freeze_at = 0, freeze_for = 0;  // since the first arrival
};

duration as_duration(double seconds) {
    return duration(std::llround(seconds * 1e9));
}

[[noreturn]] void fail(const std::string& why) {
    std::fprintf(stderr, "bench_overload: %s\n", why.c_str());
    std::exit(1);
}

void say(const json::object& line) {
    std::printf("%s\n", json::serialize(line).c_str());
    std::fflush(stdout);
}

// ── what is asked ───────────────────────────────────────────────────────────────────────────────

simulator::load_file read_asked(const options& given) {
    std::ifstream in(given.load);
    if (!in) fail(given.load + ": cannot be read");
    std::ostringstream text;
    text << in.rdbuf();
    auto read = simulator::read_load(text.str());
    if (auto* mistakes = std::get_if<std::vector<settings::mistake>>(&read))
        fail(settings::to_text(given.load, std::move(*mistakes)));
    auto asked = std::get<simulator::load_file>(std::move(read));
    if (given.seed >= 0) asked.load.seed = static_cast<std::uint64_t>(given.seed);
    const duration counted =
        given.seconds > 0 ? as_duration(given.seconds) : asked.load.length - asked.load.warm_up;
    if (given.warm_up >= 0) asked.load.warm_up = as_duration(given.warm_up);
    asked.load.length = asked.load.warm_up + counted;
    if (given.rate.empty()) return asked;
    const auto rate = simulator::parse_rate(given.rate);
    if (!rate) fail("--rate: must be requests a second, as 80, or as 2.0C");
    asked.mean = *rate;
    return asked;
}

// As the settings file says, and as the gateway does by it.
simulator::setup setup_of(
    const simulator::load_file& asked, const options& given, const std::string& settings_file
) {
    auto loaded = settings::load_file(settings_file, {});
    if (auto* mistakes = std::get_if<std::vector<settings::mistake>>(&loaded))
        fail(settings::to_text(settings_file, std::move(*mistakes)));
    const settings::root& root = std::get<settings::loaded>(loaded).settings;
    simulator::setup s;
    s.spec = simulator::domain_of(model_name, root);
    s.engines = {asked.engine};
    s.load = asked.load;
    s.every.scrape = root.health.scrape.every;
    s.every.probe = root.health.every;
    s.every.attempts = root.retry.attempts;
    s.drain = as_duration(given.drain);
    const double full = simulator::capacity_of(s).requests;
    const auto a_second = [&](const simulator::rate& r) {
        return r.of_capacity ? r.value * full : r.value;
    };
    s.load.rate = a_second(asked.mean);
    for (std::size_t i = 0; i < s.load.steps.size(); ++i)
        s.load.steps[i].rate = a_second(asked.steps[i]);
    if (given.freeze.empty()) return s;
    s.every.frozen = {
        .from = as_duration(given.freeze_at),
        .until = as_duration(given.freeze_at + given.freeze_for),
        .repeats = given.freeze == "old"
    };
    return s;
}

// ── what is said ────────────────────────────────────────────────────────────────────────────────

json::object hello(real_run& real, const simulator::load_spec& load) {
    json::array keys;
    for (const simulator::tenant_load& each : load.tenants)
        keys.push_back(json::object{{"tenant", each.name}, {"key", key_of(each)}});
    const auto& ports = real.engines().ports();
    return {{"engines", json::array(ports.begin(), ports.end())}, {"keys", keys}};
}

std::vector<moment> moments_of(real_run& real, const simulator::setup& s, const options& given) {
    std::vector<moment> all{
        {s.load.warm_up, [] { say({{"window", "begins"}}); }},
        {s.load.length, [] { say({{"window", "ends"}}); }}
    };
    if (given.freeze.empty()) return all;
    const telling how = given.freeze == "old" ? telling::old_truth : telling::nothing;
    all.push_back({s.every.frozen.from, [&real, how] { real.engines().set_telling(how); }});
    all.push_back({s.every.frozen.until, [&real] { real.engines().set_telling(telling::truth); }});
    return all;
}

json::object figures_of(const char* name, const run_result& run, const simulator::setup& s) {
    return simulator::to_json(
        {.name = name, .full = simulator::capacity_of(s), .figures = figures_of(run, s.spec)}
    );
}

int run(const options& given) {
    const simulator::load_file asked = read_asked(given);
    real_run real(asked.engine, given.replicas);
    say(hello(real, asked.load));
    std::istringstream told(real.next_line());
    gateway_place gateway{.port = 0, .model = model_name};
    std::string settings_file;
    if (!(told >> gateway.port >> settings_file)) fail("expected the gateway's port and settings");

    const simulator::setup s = setup_of(asked, given, settings_file);
    const real_result done = real.all(s, gateway, moments_of(real, s, given));
    json::object failures;
    for (const auto& [why, count] : done.failures)
        failures[why] = count;
    const simulator::policy_row& policy = simulator::policies().front();
    say(
        {{"real", figures_of("real", done.run, s)},
         {"simulated", figures_of("simulated", simulator::run(s, policy.make), s)},
         {"failures", failures},
         {"latest_ms", seconds(done.latest) * 1e3}}
    );
    return 0;
}

}  // namespace
}  // namespace penstock::bench

int main(int argc, char** argv) {
    using namespace penstock::bench;
    prepare_process();
    std::signal(SIGPIPE, SIG_IGN);
    options given;
    CLI::App app{"Engines and clients with real bytes around a gateway, beside the simulation."};
    app.add_option("--load", given.load, "a file (docs/simulator.md)")->required();
    app.add_option("--rate", given.rate, "requests a second, or of the capacity: 2.0C");
    app.add_option("--seed", given.seed, "of the load");
    app.add_option("--seconds", given.seconds, "of arrivals that count");
    app.add_option("--warm-up", given.warm_up, "seconds of arrivals before them");
    app.add_option("--drain", given.drain, "seconds for what is not over after the last arrival");
    app.add_option("--replicas", given.replicas, "engines")->check(CLI::Range(1, 64));
    app.add_option("--freeze", given.freeze, "what the engines' metrics say while they are frozen")
        ->check(CLI::IsMember({"nothing", "old"}));
    app.add_option("--freeze-at", given.freeze_at, "seconds after the load's begin");
    app.add_option("--freeze-for", given.freeze_for, "seconds");
    CLI11_PARSE(app, argc, argv);
    return run(given);
}
