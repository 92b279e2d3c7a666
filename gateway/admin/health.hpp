// Whether the gateway lives, whether it can serve, and how its replicas are.
#pragma once

#include "gateway/endpoints.hpp"

namespace penstock::gateway {

// Every replica by its probe's word, in LiteLLM's shape.
io::task<local_answer> show_health(request_context& c);
io::task<local_answer> say_alive(request_context& c);
// 503 while draining.
io::task<local_answer> say_ready(request_context& c);

}  // namespace penstock::gateway
