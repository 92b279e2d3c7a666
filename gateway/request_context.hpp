// What the stages of one request hand on. Lives from its head to its settling, on one thread.
#pragma once

#include "gateway/request_state.hpp"
#include "gateway/stages/event_relay.hpp"
#include "gateway/stages/keepalive.hpp"
#include "gateway/thread_state.hpp"
#include "penstock/http/client.hpp"
#include "penstock/http/server.hpp"
#include "penstock/openai/edits.hpp"
#include "policies/retry/decision.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace penstock::gateway {

struct request_context final : request_state, io::departure_watcher {
    request_context(http::exchange& x, thread_state& thread);
    ~request_context();

    // The client has left: whatever is awaited ends now.
    void on_departure() noexcept override;

    // The gateway stops and waits no longer.
    void cut() noexcept;

    // Refuses when one of the two has happened: asked after whatever was awaited.
    stage_result<> goes_on() const;

    time_point now() const noexcept { return io::loop::exact_now(); }

    http::exchange& x;
    thread_state& thread;
    std::shared_ptr<const snapshot> newer_settings;  // when a replica was granted that came later

    // read
    std::string upstream_target;  // path and query as they go upstream
    std::string kept_headers;     // the client's end-to-end lines

    // admit
    admission_wait waiting;
    permit slot;
    time_point first_token_due = never;  // at the replica that was granted; streams only

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
    std::string detail;

    request_context* next_request = nullptr;  // on this thread
    request_context** request_link = nullptr;
};

}  // namespace penstock::gateway
