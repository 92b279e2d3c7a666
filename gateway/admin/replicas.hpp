// /admin/replicas: how each replica is, and an operator's word for it: cordon, drain, resume.
#pragma once

#include "gateway/endpoints.hpp"

namespace penstock::gateway {

io::task<local_answer> list_replicas(request_context& c);

// No new request goes there; those that it has go on.
io::task<local_answer> cordon_replica(request_context& c);
// The same, for good. With `?wait=30s` the answer comes once it has nothing in flight any more, or
// after that time, which is at most `timeouts.total`: no request lasts longer.
io::task<local_answer> drain_replica(request_context& c);
// Back: at once, or after a long absence as a replica that has just started.
io::task<local_answer> resume_replica(request_context& c);

}  // namespace penstock::gateway
