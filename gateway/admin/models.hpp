// /v1/models: what a key may use.
#pragma once

#include "gateway/endpoints.hpp"

namespace penstock::gateway {

local_answer list_models(request_context& c);
local_answer show_model(request_context& c);

}  // namespace penstock::gateway
