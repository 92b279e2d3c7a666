// Names and meanings of the metrics. Renaming one breaks the dashboards of operators.
#include "families.hpp"

namespace penstock::observe {
namespace {

using prometheus::MetricType;

struct row {
    family what;
    MetricType type;
    const char* name;
    const char* help;
};

constexpr auto total = MetricType::Counter;
constexpr auto now = MetricType::Gauge;
constexpr auto spread = MetricType::Histogram;

// clang-format off
constexpr row table[] = {
    {family::requests, total, "penstock_requests_total", "Finished requests by route, model and status sent to the client; 499: the client had left."},
    {family::requests_in_flight, now, "penstock_requests_in_flight", "Requests whose model is known and that are not finished: queued, dispatched or being relayed."},
    {family::refusals, total, "penstock_refusals_total", "Requests that were refused or expired before an upstream answered, by reason."},
    {family::retries, total, "penstock_retries_total", "Attempts after the first one, by what ended the attempt before."},
    {family::fallbacks, total, "penstock_fallbacks_total", "Requests that left this model for a fallback, by what it refused them for."},
    {family::tokens, total, "penstock_tokens_total", "Tokens used. Cached tokens are part of the prompt's."},
    {family::queue_wait, spread, "penstock_queue_wait_seconds", "Time in the queue of the model, of dispatched requests and of those that gave up waiting."},
    {family::queue_waiting, now, "penstock_queue_waiting", "Requests waiting in the queue of the model."},
    {family::connect, spread, "penstock_connect_seconds", "Time to open a new upstream connection; reused ones are not counted."},
    {family::time_to_first_byte, spread, "penstock_time_to_first_byte_seconds", "Streams only: from the arrival of the request to the first byte of the answer."},
    {family::time_between_chunks, spread, "penstock_time_between_chunks_seconds", "Streams only: time between two relayed chunks."},
    {family::stream_duration, spread, "penstock_stream_duration_seconds", "Streams only: from the first to the last byte of the answer."},
    {family::request_duration, spread, "penstock_request_duration_seconds", "From the arrival of the request to the last byte of the answer, of requests that an upstream answered."},
    {family::upstream_up, now, "penstock_upstream_up", "1 when the replica is ready and its breaker is closed."},
    {family::upstream_state, now, "penstock_upstream_state", "1 for the state that the replica is in, 0 for the others."},
    {family::upstream_uptime, now, "penstock_upstream_uptime_seconds", "Time since the replica became ready; 0 when it is not."},
    {family::upstream_in_flight, now, "penstock_upstream_in_flight", "Requests at the replica now."},
    {family::upstream_slots, now, "penstock_upstream_slots", "Requests that the replica may have at most, now."},
    {family::upstream_rtt, now, "penstock_upstream_rtt_seconds", "Round-trip time to the replica as the kernel smoothes it; absent when it is not known."},
    {family::worker_up, now, "penstock_worker_up", "Bundled workers only: 1 while the worker's process runs and has been ready."},
    {family::worker_restarts, total, "penstock_worker_restarts_total", "Bundled workers only: deaths that the worker was not told to die, each followed by a restart."},
    {family::domain_lock_wait, spread, "penstock_domain_lock_wait_seconds", "Time that a thread waited for the lock of a model's admission."},
    {family::domain_lock_hold, spread, "penstock_domain_lock_hold_seconds", "Time that a thread held the lock of a model's admission."},
    {family::connections, now, "penstock_connections", "Connections; idle ones are open too."},
    {family::body_bytes_held, now, "penstock_body_bytes_held", "Bytes of request bodies in memory."},
    {family::log_lines_dropped, total, "penstock_log_lines_dropped_total", "Lines of the access log that were lost because its output was blocked or failed."},
    {family::handler_exceptions, total, "penstock_handler_exceptions_total", "Requests that ended in an exception; each one is a defect of the gateway."},
    {family::reloads, total, "penstock_reloads_total", "Reloads of the settings, taken (ok) or refused (error)."},
    {family::settings_generation, now, "penstock_settings_generation", "Generation of the settings in force."},
    {family::build_info, now, "penstock_build_info", "Always 1; the version of the program and the hash of the settings in force."},
};
// clang-format on

constexpr bool in_order() {
    for (std::size_t i = 0; i < num_families; ++i)
        if (static_cast<std::size_t>(table[i].what) != i) return false;
    return std::size(table) == num_families;
}
static_assert(in_order());

}  // namespace

std::vector<prometheus::MetricFamily> empty_families() {
    std::vector<prometheus::MetricFamily> made;
    for (const row& r : table)
        made.push_back({r.name, r.help, r.type, {}});
    return made;
}

}  // namespace penstock::observe
