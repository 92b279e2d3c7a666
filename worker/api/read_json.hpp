// JSON text to a value. Numbers come out as Python reads them, since templates print them: the
// parser of Boost.JSON 1.81 is off by the last bit in some doubles, so simdjson reads.
#pragma once

#include "penstock/result.hpp"

#include <boost/json.hpp>

#include <cstddef>
#include <string_view>

namespace penstock::worker {

// Of several members with one name the last counts. Errors: json_too_deep; invalid_json, with the
// reason, also for an integer beyond 64 bits and for text that is not UTF-8.
result<boost::json::value> read_json(std::string_view text, std::size_t depth);

}  // namespace penstock::worker
