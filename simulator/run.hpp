// One run: a load against a policy and its engines, in virtual time.
#pragma once

#include "penstock/contracts/admission.hpp"
#include "policies/admission/tuning.hpp"
#include "simulator/engine.hpp"
#include "simulator/load.hpp"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace penstock::simulator {

// Engines whose own numbers stand still from `from` to `until` (since the start): they say nothing,
// or again what they said last.
struct frozen_numbers {
    duration from{}, until{};
    bool repeats = false;
};

// The rhythms of the gateway, as they are there.
struct rhythms {
    duration progress = std::chrono::milliseconds(250);  // of running answers; 0: never told
    duration scrape = std::chrono::seconds(1);           // of engines' own numbers; 0: never
    frozen_numbers frozen;
    duration probe = std::chrono::seconds(5);              // 0: never
    duration timer_grain = std::chrono::milliseconds(20);  // wake-ups are as late as this
    std::uint32_t attempts = 2;  // replicas tried for one request, the first included
};

struct setup {
    domain_spec spec;
    std::vector<engine_model> engines;  // one for each replica of the spec, or one for all
    load_spec load;
    // Replayed instead of what `load` would draw; of `load` faults, patience, length and warm-up
    // still count. In order of arrival, from time zero on.
    std::span<const request> trace;
    rhythms every;
    admission::tuning how;                       // of the catalogue's policies
    duration drain = std::chrono::seconds(120);  // after the last arrival, until a run is cut
    bool jumps = true;                           // of the engines; false is slow and says the same
};

struct run_result {
    std::vector<record> records;  // every offered request, in order of arrival
    time_point from, until;       // whose arrivals count
    double busy = 0;              // share of the engines' time in [from, until) spent in iterations
    // How often shedding began or ended in [from, until), of the pool and class with the most.
    std::uint32_t shed_flips = 0;
    std::uint64_t events = 0;  // processed
    // In the policy when the run ended; of a run that was not cut all are zero.
    std::uint32_t waiting = 0, in_flight = 0;
    std::uint64_t backlog = 0;  // tokens of prompts, of all replicas
};

using make_policy = std::unique_ptr<admission_policy> (*)(
    const domain_spec& spec, time_point now, const admission::tuning& how
);

// Drives the policy with the calls of gateway/upstreams/domain.cpp, in the same order; a tick's
// progress events are told together, before one `advance`. The same setup gives the same result.
run_result run(const setup& what, make_policy make);

}  // namespace penstock::simulator
