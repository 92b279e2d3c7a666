// The reference: four replicas and the load that policies are compared under, as a table of
// scenarios, and the measures that need several runs.
#pragma once

#include "simulator/figures.hpp"
#include "simulator/policies.hpp"

#include <string_view>
#include <vector>

namespace penstock::simulator {

// Four replicas of 64 slots; realtime 2 s and 60 ms, bulk 30 s, of which bulk is sure of a tenth.
domain_spec reference_spec(std::uint32_t replicas = 4);
load_spec reference_load();

struct capacity {
    double requests = 0;  // a second
    double tokens = 0;    // weighted, a second
};
// What these engines finish of this load's lengths when none of them is ever idle: each is given
// its next requests before it has done the last. Exact to a percent or so.
capacity capacity_of(const setup& what);

// Rates in multiples of capacity.
struct scenario {
    std::string_view name;
    double load;
    bool bursts;  // 2.5 times for 5 s of every 15 s
};
const std::vector<scenario>& scenarios();

setup reference_setup(double rate, bool bursts, std::uint64_t seed);

// All seeds of one load together: counts and rates are means.
struct measured {
    double load = 0;
    figures mean;
    std::vector<figures> each;  // by seed
};
struct study {
    setup base;  // its load's rate is set anew for each run
    const policy_row* policy = nullptr;
    capacity full;
    std::uint32_t seeds = 3;
};
measured measure(const study& what, double load);

// Goodput at twice the capacity as a share of the highest over a sweep of loads, by requests and by
// weighted tokens.
struct overload_figures {
    double requests = 0, tokens = 0;
    std::vector<measured> sweep;
};
overload_figures overload(const study& what, std::span<const double> loads);
inline constexpr double sweep_loads[] = {0.5, 0.7, 0.85, 1, 1.15, 1.3, 1.6, 2};

// 0.5 → 2 → 0.5 of capacity, a minute each.
double recovery(study what);
// Twice the capacity, a tenth of whose clients come again whenever they are told to, five times at
// most and within their patience; the rest go. Were all to come again, no more than half of them
// could be served, whatever they are told.
struct returning_figures {
    double correlation = 0;           // of Retry-After with the predicted wait, over all refusals …
    double realtime_correlation = 0;  // … and over those of realtime requests
    double admitted = 0;              // share of those who came again
};
returning_figures returning(study what);
// Five tenants at twice the capacity, one of whom sends two fifths.
double fair_shares(study what);

}  // namespace penstock::simulator
