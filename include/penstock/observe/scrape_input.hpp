// What other rooms know and metrics only show: filled by the composition root for each scrape.
#pragma once

#include "penstock/contracts/admission.hpp"
#include "penstock/observe/cells.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace penstock::observe {

struct scrape_input {
    // Of a bundled one.
    struct worker {
        bool up = false;             // its process runs and was ready
        std::uint64_t restarts = 0;  // deaths that it was, or will be, started again after
    };
    struct replica {
        std::string model, version, pool, replica;  // stable ids: the labels
        replica_state state = replica_state::starting;
        bool breaker_open = false;
        duration uptime{};  // since it became ready; zero when it is not
        std::uint32_t in_flight = 0, slots = 0;
        std::optional<duration> rtt;  // smoothed by the kernel, of the newest connection read
        std::optional<scrape_input::worker> worker;
    };
    struct domain {
        std::string model;
        std::uint32_t waiting = 0;  // requests in its queue
        histogram_values lock_wait{.layout = &buckets::lock};
        histogram_values lock_hold{.layout = &buckets::lock};
    };

    // Those in use have a request in flight.
    struct connection_counts {
        std::uint64_t client_open = 0, client_idle = 0;
        std::uint64_t upstream_open = 0, upstream_idle = 0;
    };

    std::vector<replica> replicas;
    std::vector<domain> domains;
    connection_counts connections;
    std::uint64_t body_bytes_held = 0;
    std::uint64_t log_lines_dropped = 0;
    std::uint64_t settings_generation = 0;
    std::string version, config_hash;  // of this build and of the settings in force
};

}  // namespace penstock::observe
