// /metrics: Prometheus text.
#pragma once

#include "gateway/endpoints.hpp"

namespace penstock::gateway {

io::task<local_answer> expose_metrics(request_context& c);

}  // namespace penstock::gateway
