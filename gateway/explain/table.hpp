// An explanation for people: a block for each stage, a row for each replica.
#pragma once

#include <boost/json.hpp>

#include <iosfwd>

namespace penstock::gateway {

void print_explanation(const boost::json::object& explanation, std::ostream& out);

}  // namespace penstock::gateway
