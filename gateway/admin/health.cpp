// Health, from what is known already: asking never reaches an upstream.
#include "gateway/admin/health.hpp"

#include "gateway/admin/replica_state.hpp"
#include "gateway/request_context.hpp"

#include <boost/json.hpp>

namespace penstock::gateway {
io::task<local_answer> show_health(request_context& c) {
    boost::json::array healthy, unhealthy;
    for (const auto& model : c.settings->models) {
        for (const auto& replica : model.admission->replicas(c.now())) {
            if (!find_replica(model, replica.index).replica) continue;
            boost::json::object o{
                {"model", model.name},
                {"replica", replica.id},
                {"state", text_of(replica.state)},
                {"breaker_open", replica.breaker_open},
                {"in_flight", replica.in_flight},
                {"slots", replica.slots}
            };
            const bool well = replica.state == replica_state::ready && !replica.breaker_open;
            (well ? healthy : unhealthy).push_back(std::move(o));
        }
    }
    const auto num_healthy = healthy.size(), num_unhealthy = unhealthy.size();
    co_return local_answer{
        .body = serialize(boost::json::object{
            {"healthy_endpoints", std::move(healthy)},
            {"unhealthy_endpoints", std::move(unhealthy)},
            {"healthy_count", num_healthy},
            {"unhealthy_count", num_unhealthy}
        })
    };
}

io::task<local_answer> say_alive(request_context&) {
    co_return local_answer{.body = "\"I'm alive!\""};
}

io::task<local_answer> say_ready(request_context& c) {
    // Monitors of LiteLLM read `db`: there is none here that could be away.
    if (c.thread.is_draining())
        co_return local_answer{
            .status = 503, .body = R"({"status":"draining","db":"Not connected"})"
        };
    co_return local_answer{.body = R"({"status":"healthy","db":"Not connected"})"};
}

}  // namespace penstock::gateway
