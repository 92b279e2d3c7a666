// What a run was worth. Every request that was offered in the window counts, whatever became of it:
// refused is not good.
#pragma once

#include "penstock/contracts/admission.hpp"
#include "simulator/run.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace penstock::simulator {

// Seconds; infinite when that share of them never came.
struct percentiles {
    double p50 = 0, p90 = 0, p99 = 0;
};

struct class_figures {
    std::uint32_t offered = 0;
    std::uint32_t admitted = 0;  // granted a replica; dropped after queueing is refused
    std::uint32_t good = 0;      // finished within the class's targets of TTFT and TPOT
    percentiles ttft;            // of admitted ones, from arrival; never came: infinite
    percentiles tpot;            // of finished ones
    percentiles wait;            // of admitted ones, from arrival to dispatch
    double good_share() const { return offered ? double(good) / offered : 0; }
};

struct figures {
    double window = 0;                    // seconds
    std::uint32_t offered = 0, good = 0;  // requests
    double goodput = 0;                   // good requests a second
    double goodput_tokens = 0;            // their weighted tokens a second
    std::array<class_figures, num_classes> classes;
    std::array<std::uint32_t, num_errcs> refused{};  // by reason
    std::uint32_t left = 0, failed = 0, unfinished = 0;
    double jain = 1;               // of weighted tokens served to the backlogged tenants
    std::uint32_t backlogged = 0;  // tenants
    double shed_flips = 0;         // a minute, of the pool and class with the most
    double refusal_flips = 0;      // a minute, between refusing most and refusing few
    std::array<double, 10> admitted_by_length{};  // share, by tenths of prompt length
    double busy = 0;                              // share of the engines' time
};

figures figures_of(const run_result& run, const domain_spec& spec);

// In the run's order.
bool is_good(const record& r, const domain_spec& spec);

// Jain's index (Σx)² ÷ (n · Σx²) over the tenants that were offered more than their max-min fair
// share of all that was served; 1 when fewer than two are.
struct fairness {
    double jain = 1;
    std::uint32_t backlogged = 0;
};
fairness fairness_of(std::span<const double> offered, std::span<const double> served);

// Spearman's ρ of pairs; equal numbers share their rank. At least two pairs.
double rank_correlation(std::span<const double> a, std::span<const double> b);

// Seconds from `step_down` until, of the arrivals of the next five seconds, the share that is good
// is back at 95 % of what it was in [before_from, before_until). Infinite if it never is.
double recovery_of(
    std::span<const run_result> runs,
    const domain_spec& spec,
    time_point before_from,
    time_point before_until,
    time_point step_down
);

}  // namespace penstock::simulator
