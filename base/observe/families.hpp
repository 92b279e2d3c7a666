// The one table of metric families: name, type and meaning.
#pragma once

#include <prometheus/metric_family.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace penstock::observe {

// Adding a metric is one enumerator here, one row in families.cpp, one in docs/metrics.md.
enum class family : std::uint8_t {
    requests,
    requests_in_flight,
    refusals,
    retries,
    fallbacks,
    tokens,
    queue_wait,
    queue_waiting,
    connect,
    time_to_first_byte,
    time_between_chunks,
    stream_duration,
    request_duration,
    upstream_up,
    upstream_state,
    upstream_uptime,
    upstream_in_flight,
    upstream_slots,
    upstream_rtt,
    worker_up,
    worker_restarts,
    domain_lock_wait,
    domain_lock_hold,
    connections,
    body_bytes_held,
    log_lines_dropped,
    handler_exceptions,
    reloads,
    settings_generation,
    build_info,
    count_
};

inline constexpr std::size_t num_families = static_cast<std::size_t>(family::count_);

// All of them, in order, without samples.
std::vector<prometheus::MetricFamily> empty_families();

}  // namespace penstock::observe
