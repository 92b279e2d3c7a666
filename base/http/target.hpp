// The request target: which form it has, its path and its query.
#pragma once

#include "penstock/http/head.hpp"

namespace penstock::http {

// Sets path and query from `head.target`. Refuses asterisk- and authority-form, a fragment, and
// bytes outside ASCII.
result<void, refusal> split_target(request_head& head);

}  // namespace penstock::http
