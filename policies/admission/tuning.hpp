// The numbers of admission by Little's law, with where they come from.
#pragma once

#include "penstock/clock.hpp"

#include <cstdint>

namespace penstock::admission {

// What an operator does not set: reference/routers.md 3.6 and 3.7 have the reasons and what was
// simulated. Gateway, simulator and `explain` read the same ones.
struct tuning {
    // φ: refuse early only when φ · predicted wait exceeds what is left. Below one, since a wrong
    // refusal costs goodput for certain and a wrong admission is caught by the late drop.
    double optimism = 0.5;

    // Of the predicted wait, added to Retry-After at most. A whole wait would drown what differs
    // between one refusal and the next, and refusals are spread over time as arrivals are.
    double retry_jitter = 0.25;

    // Every prompt costs the engine so many tokens beside its own: an iteration has a fixed part.
    // 12 ms at 40 000 tokens a second are 480, shared with what else is in the iteration.
    std::uint32_t prompt_overhead = 256;
    // A replica gets more prompts while those it has not read take it less than this, or have
    // fewer tokens than two of its chunks: about two iterations, so that it never idles.
    duration engine_work = std::chrono::milliseconds(250);
    std::uint32_t engine_tokens = 2048;
    double kv_share = 0.9;  // of an engine's keys and values that are promised at most

    double input_weight = 1, output_weight = 2;  // of tokens, in what tenants share

    std::uint32_t realtime_reserve = 1;  // slots of each replica that bulk leaves free
    // Beyond its floor bulk is served while realtime's predicted wait is below this share of its
    // target.
    double holdback = 0.5;
    double owed_most = 1e6;  // weighted tokens that either class may owe the other

    // A pool sheds a class from where its predicted wait passes the target until it has been below
    // this share of it for so long.
    double shed_off = 0.7;
    duration shed_dwell = std::chrono::seconds(2);

    double spill_below = 0.5;      // share of a larger pool's slots in use while it takes from a
                                   // smaller one
    double affinity_bound = 1.25;  // of the mean load in tokens: beyond it affinity goes elsewhere

    // The limit of requests in flight at a replica.
    double limit_decrease = 0.9;
    double grow_when_used = 0.8;                      // share of the limit in use
    double grow_below = 0.85;                         // share of the target of time per token
    duration limit_period = std::chrono::seconds(1);  // between two changes at least
    double engine_queue = 2;  // waiting in the engine beside our unread prompts: more is pressure
    int stale_after = 3;      // intervals without a word from an engine that spoke regularly

    duration rate_fade = std::chrono::seconds(5);  // of departures and prefill rates
    std::uint32_t idle_tenants = 1024;             // remembered beside those that wait
};

}  // namespace penstock::admission
