// What admission policies are worth under the reference loads, and how fast the simulator is: the
// table of all policies, a plot, and the figures of one policy as JSON, an object a line.
//
//     bench_simulator [--policy NAME] [--quick] [--plot FILE.png]
#include "simulator/reference.hpp"
#include "simulator/report.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <string>

namespace {

using namespace penstock;
using namespace penstock::simulator;

struct arguments {
    std::string policy, plot;
    bool quick = false;
};

// What never came, or has no meaning, is null.
void say(const std::string& figure, double value, const char* unit) {
    char number[32] = "null";
    if (std::isfinite(value)) std::snprintf(number, sizeof number, "%.4g", value);
    std::printf(
        "{\"figure\": \"%s\", \"value\": %s, \"unit\": \"%s\"}\n", figure.c_str(), number, unit
    );
    std::fflush(stdout);
}

study study_of(const policy_row& policy, const capacity& full, bool bursts, bool quick) {
    return {reference_setup(full.requests, bursts, 1), &policy, full, quick ? 1u : 3u};
}

// Goodput in multiples of capacity, and the shares of realtime and bulk requests within targets.
void print_table(const capacity& full, bool quick) {
    std::printf(
        "# capacity: %.2f requests/s, %.0f weighted tokens/s\n", full.requests, full.tokens
    );
    std::printf("# goodput of requests / of tokens in multiples of it (realtime, bulk in target)\n"
    );
    std::printf("%-20s", "");
    for (const scenario& each : scenarios())
        std::printf("  %-22s", std::string(each.name).c_str());
    for (const policy_row& policy : policies()) {
        std::printf("\n%-20s", std::string(policy.name).c_str());
        for (const scenario& each : scenarios()) {
            const auto m = measure(study_of(policy, full, each.bursts, quick), each.load).mean;
            std::printf(
                "  %.2f / %.2f (%.2f, %.2f)",
                m.goodput / full.requests,
                m.goodput_tokens / full.tokens,
                m.classes[0].good_share(),
                m.classes[1].good_share()
            );
        }
        std::fflush(stdout);
    }
    std::printf("\n");
}

bool draw_sweeps(const capacity& full, const arguments& given) {
    std::vector<panel> panels;
    for (const bool bursts : {false, true}) {
        const char* title = bursts ? "goodput, bursts of 2.5 times" : "goodput, poisson";
        panel& p =
            panels.emplace_back(panel{title, "offered load, both in multiples of capacity", {}});
        for (const policy_row& policy : policies()) {
            series& line = p.lines.emplace_back(series{std::string(policy.name), {}});
            for (const double load : sweep_loads) {
                const auto m = measure(study_of(policy, full, bursts, true), load).mean;
                line.points.emplace_back(load, m.goodput / full.requests);
            }
        }
    }
    std::ofstream file(given.plot, std::ios::binary);
    file << to_png(draw(panels));
    return file.good();
}

// 10^6 requests over 1 000 replicas at their capacity.
void measure_speed(const policy_row& policy, double requests_max) {
    setup s = reference_setup(0, false, 1);
    s.spec = reference_spec(1000);
    s.load.rate = capacity_of(s).requests;
    s.load.requests = static_cast<std::uint64_t>(requests_max);
    s.load.length = std::chrono::seconds(static_cast<int>(requests_max / s.load.rate) + 1);
    s.load.warm_up = {};
    const std::clock_t began = std::clock();
    const run_result r = run(s, policy.make);
    const double took = double(std::clock() - began) / CLOCKS_PER_SEC;
    say("million_requests_1000_replicas", took * 1e6 / double(r.records.size()), "CPU seconds");
}

void measure_policy(const policy_row& policy, const capacity& full, bool quick) {
    const study even = study_of(policy, full, false, quick);
    const study bursty = study_of(policy, full, true, quick);
    const overload_figures of_even = overload(even, sweep_loads);
    const overload_figures of_bursty = overload(bursty, sweep_loads);
    say("g2_poisson", of_even.requests, "ratio");
    say("g2_bursty", of_bursty.requests, "ratio");
    say("g2_tokens_poisson", of_even.tokens, "ratio");
    say("g2_tokens_bursty", of_bursty.tokens, "ratio");
    say("recovery_s", recovery(even), "s");
    say("jain", fair_shares(even), "ratio");
    const returning_figures back = returning(even);
    say("retry_after_correlation", back.correlation, "ratio");
    say("retry_after_correlation_realtime", back.realtime_correlation, "ratio");
    say("retry_after_admitted", back.admitted, "ratio");
    const figures& at_two = of_even.sweep.back().mean;
    const figures& bursts_at_two = of_bursty.sweep.back().mean;
    say("goodput_poisson_2c", at_two.goodput / full.requests, "C");
    say("goodput_bursty_2c", bursts_at_two.goodput / full.requests, "C");
    say("ttft_p99_accepted_realtime_poisson_2c", at_two.classes[0].ttft.p99, "s");
    say("ttft_p99_accepted_realtime_bursty_2c", bursts_at_two.classes[0].ttft.p99, "s");
    say("flips_a_minute_2c", std::max(at_two.shed_flips, at_two.refusal_flips), "1/min");
    for (std::size_t d = 0; d < 10; ++d)
        say("admitted_decile_" + std::to_string(d + 1), at_two.admitted_by_length[d], "ratio");
    study noisy = even;
    noisy.base.load.noise = 0.5;
    say("noise_cost", 1 - measure(noisy, 2).mean.goodput / at_two.goodput, "ratio");
}

}  // namespace

int main(int argc, char** argv) {
    arguments given;
    for (const policy_row& each : policies())
        if (given.policy.empty() || each.name == "little") given.policy = each.name;
    CLI::App app{"Measures admission policies in the simulator."};
    app.add_option(
        "--policy", given.policy, "whose figures are printed; little, where it is there"
    );
    app.add_option("--plot", given.plot, "goodput over load of every policy, as a PNG");
    app.add_flag("--quick", given.quick, "one seed, and no table");
    CLI11_PARSE(app, argc, argv);
    const policy_row* policy = find_policy(given.policy);
    if (!policy) {
        std::fprintf(stderr, "bench_simulator: there is no policy %s\n", given.policy.c_str());
        return 1;
    }
    const capacity full = capacity_of(reference_setup(0, false, 1));
    if (!given.quick) print_table(full, false);
    if (!given.plot.empty() && !draw_sweeps(full, given)) {
        std::fprintf(stderr, "bench_simulator: cannot write %s\n", given.plot.c_str());
        return 1;
    }
    std::printf("# %s\n", given.policy.c_str());
    measure_speed(*policy, given.quick ? 2e5 : 1e6);
    measure_policy(*policy, full, given.quick);
    return 0;
}
