// A record and a scrape with something of everything.
#pragma once

#include "penstock/observe/request_record.hpp"
#include "penstock/observe/scrape_input.hpp"

namespace penstock::observe::tests {

inline constexpr time_point at(duration since_start) {
    return time_point(since_start);
}

inline request_record served_stream() {
    using namespace std::chrono_literals;
    return {
        .request_id = "req-0123456789abcdef",
        .trace_id = "0af7651916cd43dd8448eb211c80319c",
        .arrived = at(1'000s),
        .dispatched = at(1'000s + 12ms),
        .first_byte = at(1'000s + 250ms),
        .last_byte = at(1'003s),
        .arrived_unix_ms = 1'732'305'403'007,
        .route = "/v1/chat/completions",
        .tenant = "search",
        .key = "3f2a9c01",
        .model = "chat",
        .version = "chat/v1",
        .pool = "chat/v1/short",
        .replica = "chat/v1/short/10.0.0.1:8000",
        .klass = request_class::bulk,
        .streamed = true,
        .est_prompt = 900,
        .est_error = 90,
        .est_output = 210,
        .max_tokens = 4096,
        .deadline_ms = 120'000,
        .affinity = 0xfeed'0000'0000'beef,
        .used = {.prompt = 1000, .cached = 600, .output = 222, .known = true},
        .end = ending::served,
        .status = 200,
        .attempts = 2,
        .queue_wait = 11'500us,
        .connect = 310us,
        .predicted_wait = 9ms,
        .bytes_in = 4096,
        .bytes_out = 65'536,
        .num_events = 223,
    };
}

inline request_record refused_early() {
    return {
        .request_id = "req-ffffffffffffffff",
        .arrived = at(std::chrono::seconds(1)),
        .route = "/v1/chat/completions",
        .model = "chat",
        .end = ending::refused,
        .reason = "queue_full",
        .status = 503,
    };
}

inline scrape_input full_input() {
    using namespace std::chrono_literals;
    scrape_input input;
    input.replicas.push_back(
        {"chat",
         "v1",
         "short",
         "10.0.0.1:8000",
         replica_state::ready,
         false,
         90s,
         3,
         64,
         180us,
         scrape_input::worker{true, 2}}
    );
    input.replicas.push_back(
        {"chat", "v1", "short", "10.0.0.2:8000", replica_state::ejected, true, 0s, 0, 64, {}}
    );
    histogram wait(buckets::lock), hold(buckets::lock);
    wait.record(20ns);
    hold.record(400ns);
    input.domains.push_back({"chat", 5, wait.values(), hold.values()});
    input.body_bytes_held = 12'345;
    input.log_lines_dropped = 6;
    input.settings_generation = 7;
    input.version = "0.1.0";
    input.config_hash = "abc123";
    return input;
}

}  // namespace penstock::observe::tests
