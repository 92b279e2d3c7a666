// What the stages of one request hand on. Lives from its head to its settling, on one thread.
#pragma once

#include "gateway/endpoints.hpp"
#include "gateway/snapshot.hpp"
#include "gateway/stages/event_relay.hpp"
#include "gateway/stages/keepalive.hpp"
#include "gateway/stages/limiter.hpp"
#include "gateway/thread_state.hpp"
#include "penstock/http/client.hpp"
#include "penstock/http/server.hpp"
#include "penstock/observe/request_record.hpp"
#include "penstock/openai/edits.hpp"
#include "penstock/openai/facts.hpp"
#include "policies/length/estimate.hpp"
#include "policies/length/learned.hpp"
#include "policies/retry/decision.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace penstock::gateway {

// What the client said about how it wants to be served (DESIGN §9.14).
struct client_wishes {
    std::optional<request_class> klass;
    std::optional<duration> deadline, ttft;
    bool no_queue = false, no_keepalive = false;
    std::uint64_t session_hash = 0;
};

struct request_context final : io::departure_watcher {
    request_context(http::exchange& x, thread_state& thread);
    ~request_context();
    request_context(const request_context&) = delete;
    request_context& operator=(const request_context&) = delete;

    // The client has left: whatever is awaited ends now.
    void on_departure() noexcept override;

    // The gateway stops and waits no longer.
    void cut() noexcept;

    // Refuses when one of the two has happened: asked after whatever was awaited.
    stage_result<> goes_on() const;

    time_point now() const noexcept { return io::loop::exact_now(); }

    http::exchange& x;
    thread_state& thread;
    const std::shared_ptr<const snapshot> settings;
    std::shared_ptr<const snapshot> newer_settings;  // when a replica was granted that came later

    // authenticate
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
    std::string upstream_target;  // path and query as they go upstream
    std::string kept_headers;     // the client's end-to-end lines
    const model_entry* model = nullptr;

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
    admission_wait waiting;
    permit slot;
    const pool_entry* pool = nullptr;
    const replica_entry* replica = nullptr;

    // forward
    retry::attempts_so_far attempts{.made = 0, .max = 2};
    bool fresh_connection = false;  // the next attempt must not reuse one
    bool reused_connection = false;
    std::optional<refusal>
        last_refusal;  // of the attempt before: told when there is no other replica
    io::channel upstream;
    std::optional<http::answer> answer;  // made anew for each attempt
    std::string peeked;                  // of the body, before the answer was judged
    bool peeked_all = false;             // … and it ended there
    bool injected_usage = false;
    bool is_event_stream = false;
    bool inside_event =
        false;  // the client has the beginning of an event, and will not get its end
    keepalive_comments comments;

    // relay, settle
    usage used;
    ending end = ending::refused;
    bool client_left = false;
    bool was_cut = false;
    observe::counted in_flight;
    observe::request_record record;
    std::string request_id, trace_id, detail;

    request_context* next_request = nullptr;  // on this thread
    request_context** request_link = nullptr;
};

}  // namespace penstock::gateway
