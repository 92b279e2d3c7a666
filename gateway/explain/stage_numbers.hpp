// The numbers that a stage decided by, or found out. A stage that refused tells what it came to.
#pragma once

#include "penstock/contracts/admission.hpp"
#include "penstock/refusal.hpp"

#include <boost/json.hpp>

namespace penstock::gateway {

struct decided;
struct request_state;

void tell_authenticate(const request_state& c, boost::json::object& out);
void tell_read(const request_state& c, boost::json::object& out);
void tell_limit(const request_state& c, boost::json::object& out);
// … and what is left now of the limits of the model's domain, which `said` it.
void tell_limits_left(const prediction& said, boost::json::object& out);
void tell_steer(const request_state& c, boost::json::object& out);
void tell_admit(const request_state& c, const decided& said, boost::json::object& out);

// As its client would be told: `status`, `code`, `message`, `param`, `retry_after_ms`; and the
// `reason` of log and metrics.
void tell_refusal(const request_state& c, const refusal& why, boost::json::object& out);

}  // namespace penstock::gateway
