// POST /admin/explain: what would become of a request now.
#pragma once

#include "gateway/endpoints.hpp"

namespace penstock::gateway {

// 200 with the explanation, whatever its verdict; 400 where the question cannot be answered.
io::task<local_answer> explain_request(request_context& c);

}  // namespace penstock::gateway
