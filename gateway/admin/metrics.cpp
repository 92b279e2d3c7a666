// /metrics.
#include "gateway/admin/metrics.hpp"

#include "gateway/request_context.hpp"

namespace penstock::gateway {

local_answer expose_metrics(request_context& c) {
    return {
        .content_type = "text/plain; version=0.0.4; charset=utf-8",
        .body = c.thread.process.expose_metrics()
    };
}

}  // namespace penstock::gateway
