// Every route of the worker, one row each.
#pragma once

#include "penstock/io/task.hpp"
#include "penstock/refusal.hpp"

#include <string>
#include <string_view>

namespace penstock::worker {

struct request_scope;

using endpoint_handler = io::task<stage_result<>> (*)(request_scope&);

struct endpoint_row {
    std::string_view method;
    std::string_view route;  // one `{model}` may stand at its end
    endpoint_handler handle;
};

struct found_endpoint {
    const endpoint_row* row = nullptr;
    std::string model;  // named by the path
};

// HEAD is served where GET is. errc: unknown_route; method_not_allowed, with `allowed` as the
// header Allow says it.
result<found_endpoint, errc> find_endpoint(
    std::string_view method, std::string_view path, std::string& allowed
);

}  // namespace penstock::worker
