// What one thread counts, and what the threads share: between counting and exposition only.
#pragma once

#include "label_table.hpp"
#include "penstock/observe/metrics.hpp"

namespace penstock::observe {

enum class direction : std::uint8_t { prompt, cached, output };
inline constexpr std::size_t num_directions = 3;

struct model_cells {
    gauge in_flight;
    counter tokens[num_directions];
    histogram queue_wait[num_classes]{
        histogram(buckets::queue_wait), histogram(buckets::queue_wait)
    };
    histogram first_byte{buckets::first_byte};
    histogram between_chunks{buckets::between_chunks};
    histogram stream_duration{buckets::whole};
    histogram request_duration{buckets::whole};
};

struct thread_metrics::shared {
    explicit shared(std::size_t max)
        : models(max), requests(max), refusals(max), retries(max), fallbacks(max) {}

    label_bound models, requests, refusals, retries, fallbacks;
    std::atomic<std::uint64_t> reloads_taken{0}, reloads_refused{0};
};

struct alignas(64) thread_metrics::cells {
    explicit cells(shared& process)
        : models(process.models),
          requests(process.requests),
          refusals(process.refusals),
          retries(process.retries),
          fallbacks(process.fallbacks) {}

    label_table<model_cells, 1> models;  // model
    label_table<counter, 3> requests;    // route, model, status
    label_table<counter, 2> refusals;    // reason, model
    label_table<counter, 2> retries;     // model, reason
    label_table<counter, 2> fallbacks;   // model, reason
    histogram connect{buckets::connect};
    counter handler_exceptions;
};

}  // namespace penstock::observe
