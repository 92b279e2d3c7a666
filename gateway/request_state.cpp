// What is known of a request from its head alone.
#include "gateway/request_state.hpp"

#include "penstock/observe/trace_context.hpp"

#include <utility>

namespace penstock::gateway {

request_state::request_state(
    shared_parts& process,
    std::shared_ptr<const snapshot> settings,
    const http::request_head& head,
    bool is_admin,
    time_point arrived
)
    : process(process), settings(std::move(settings)), head(head), is_admin(is_admin) {
    record.arrived = arrived;
    const std::string_view said = head.headers.find("x-request-id");
    if (observe::is_valid_request_id(said)) request_id = said;
    const auto trace = observe::parse_traceparent(head.headers.find("traceparent"));
    if (trace) trace_id = trace->trace_id;
}

}  // namespace penstock::gateway
