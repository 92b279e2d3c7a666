// One message of a conversation, read strictly.
#pragma once

#include "worker/api/fields.hpp"
#include "worker/api/request_rules.hpp"

#include <boost/json.hpp>

namespace penstock::worker {

// The message as a chat template wants it. Nothing of use when the reader has found a fault.
boost::json::object read_message(field_reader& message, const request_rules& rules);

}  // namespace penstock::worker
