// JSON as the logs write it: Boost's own text has 12.5 as 1.25E1, which no reader compares by eye.
#pragma once

#include <boost/json.hpp>

#include <string>

namespace penstock::gateway {

// Numbers in the shortest form that reads back as the same; members in their order.
std::string plain_json(const boost::json::value& value);

}  // namespace penstock::gateway
