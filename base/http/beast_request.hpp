// Beast's request parser behind one function, so that one file compiles it.
#pragma once

#include "penstock/http/head.hpp"

namespace penstock::http {

// Fills method, target, minor_version and headers with views into `raw`, a whole head without
// leading empty lines. False when Beast refuses it.
bool read_with_beast(std::string_view raw, request_head& out);

}  // namespace penstock::http
