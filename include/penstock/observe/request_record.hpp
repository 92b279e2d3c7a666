// Everything that is said of one request when it is over: the log line and the metrics are both
// made of it. Strings are configured names or the gateway's own; never payload, never a key.
#pragma once

#include "penstock/contracts/work.hpp"
#include "penstock/error.hpp"

#include <cstdint>
#include <string_view>

namespace penstock::observe {

struct request_record {
    std::string_view request_id, trace_id;
    time_point arrived{}, dispatched{}, first_byte{}, last_byte{};  // zero: never
    std::int64_t arrived_unix_ms = 0;

    std::string_view route;         // of the endpoint table: "/v1/chat/completions"
    std::string_view tenant, key;   // key: its configured name's short hash, never the key
    std::string_view model;         // that the client named: configured name, or "other"
    std::string_view fell_back_to;  // the last other model that it was passed on to; empty: none
    std::string_view version, pool, replica;  // of the last model; stable ids; empty: not reached
    request_class klass = request_class::realtime;
    bool streamed = false;

    std::uint32_t est_prompt = 0, est_error = 0, est_output = 0;
    std::uint64_t max_tokens = 0;  // 0: none
    std::int64_t deadline_ms = 0;  // 0: none
    std::uint64_t affinity = 0;    // salted

    usage used;
    ending end = ending::refused;
    std::string_view reason;  // error label when the end is not `served`; a literal
    std::string_view detail;  // of the error, for the log only
    int status = 0;           // sent to the client; 499: it had left
    int attempts = 0;
    duration queue_wait{}, connect{}, predicted_wait{};
    duration waited_elsewhere{};  // of `queue_wait`: in the queues of models that were left
    std::uint64_t bytes_in = 0, bytes_out = 0;
    std::uint32_t num_events = 0;  // SSE events relayed
};

}  // namespace penstock::observe
