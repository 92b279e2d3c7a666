// Token counts as upstreams say them, whatever the dialect.
#pragma once

#include "json_cursor.hpp"
#include "penstock/contracts/work.hpp"

namespace penstock::openai {

// Reads the value before which `at` stands and merges the counts that it says into `so_far`; what
// it does not say stays. False: it is not valid JSON.
bool merge_usage(json_cursor& at, usage& so_far) noexcept;

}  // namespace penstock::openai
