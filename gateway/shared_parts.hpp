// What the loops of one process share. The composition root owns all of it.
#pragma once

#include "gateway/side_thread.hpp"
#include "gateway/stages/learned_shards.hpp"
#include "gateway/stages/limiter.hpp"
#include "penstock/gate.hpp"
#include "penstock/http/server.hpp"
#include "penstock/observe/access_log.hpp"
#include "penstock/observe/metrics.hpp"
#include "penstock/openai/facts.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

namespace penstock::gateway {

struct shared_parts {
    limiter& limits;
    learned_shards& learned;
    observe::metrics& metrics;
    observe::access_log* log;  // null: no request lines are written
    http::body_budget& bodies;
    gate& serving;                               // one pass for each client connection
    std::atomic<std::uint64_t> connections_max;  // a reload may change it
    side_thread& side;
    std::function<std::string()> expose_metrics;  // Prometheus text; any thread
    // Does not wait for the next turn of this replica's probe; any thread.
    std::function<void(const std::string& replica)> probe_now;
    std::uint64_t log_salt = 0;  // random, of the hashes in the log

    bool is_draining() const noexcept { return serving.is_closed(); }
    // As the log tells it: equal for equal requests of one process, and of no use to guess them by.
    std::uint64_t salted(std::uint64_t affinity) const noexcept {
        if (affinity == 0) return 0;
        const std::uint64_t both[] = {affinity, log_salt};
        return openai::hash_of({reinterpret_cast<const char*>(both), sizeof both});
    }
};

}  // namespace penstock::gateway
