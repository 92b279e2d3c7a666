// /v1/models: what a key may use.
#pragma once

#include "gateway/endpoints.hpp"

namespace penstock::gateway {

io::task<local_answer> list_models(request_context& c);
io::task<local_answer> show_model(request_context& c);

}  // namespace penstock::gateway
