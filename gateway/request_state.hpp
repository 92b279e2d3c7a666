// What the deciding stages know of a request, and find out: values, and no connection. A request in
// the path has one, and so has one that is only asked about.
#pragma once

#include "gateway/endpoints.hpp"
#include "gateway/shared_parts.hpp"
#include "gateway/snapshot.hpp"
#include "gateway/stages/limiter.hpp"
#include "penstock/http/head.hpp"
#include "penstock/observe/request_record.hpp"
#include "penstock/openai/facts.hpp"
#include "policies/length/estimate.hpp"
#include "policies/length/learned.hpp"

#include <memory>
#include <optional>
#include <string>

namespace penstock::gateway {

// What the client said about how it wants to be served (DESIGN §9.14).
struct client_wishes {
    std::optional<request_class> klass;
    std::optional<duration> deadline, ttft;
    bool no_queue = false, no_keepalive = false, no_fallback = false;
    std::uint64_t session_hash = 0;
};

struct request_state {
    // `head` must outlive it.
    request_state(
        shared_parts& process,
        std::shared_ptr<const snapshot> settings,
        const http::request_head& head,
        bool is_admin,
        time_point arrived
    );
    request_state(const request_state&) = delete;
    request_state& operator=(const request_state&) = delete;

    shared_parts& process;
    const std::shared_ptr<const snapshot> settings;
    const http::request_head& head;
    const bool is_admin;  // came in on the admin listener

    // authenticate
    const key_entry* spoken_for = nullptr;  // whose request it is, said by one who may: no key then
    const endpoint_row* route = nullptr;
    std::uint32_t route_index = 0;
    std::string path_name;        // of a model, or of a replica, that the path names
    std::string allowed_methods;  // of a route that does not take this one
    const key_entry* key = nullptr;
    client_wishes wishes;
    bool has_class = false;  // `record.klass` is known

    // read
    openai::request_facts facts;
    length::asker asker;      // as what is learned is kept by
    length::knowledge known;  // what was learned until it arrived
    length::estimate prompt;
    const model_entry* model = nullptr;        // that the request is at now
    const model_entry* asked_model = nullptr;  // that its client named

    // fall back
    std::size_t fallbacks_passed = 0;      // of the named model's, by this pass or left out
    std::optional<refusal> first_refusal;  // of the named model, once it was left
    std::string left;                      // models, and why: for the log

    // limit
    std::uint32_t own_cap = 0;  // of max_tokens, by model and key; 0: none
    length::cap_choice cap;     // … and by the pool that serves it, once that is known
    reservation reserved;

    // steer
    const version_entry* version = nullptr;
    const pool_entry* steered_to = nullptr;  // preferred; the one granted may be a larger one
    bool resteered = false;                  // once, on a context-length error

    // admit
    penstock::work work;
    const pool_entry* pool = nullptr;
    const replica_entry* replica = nullptr;

    observe::request_record record;
    std::string request_id, trace_id;
};

}  // namespace penstock::gateway
