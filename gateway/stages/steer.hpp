// The pool that a request is steered to, or was granted a replica of.
#pragma once

namespace penstock::gateway {

struct pool_entry;
struct request_state;

// From now on the request is this pool's: its cap holds, and log and headers name it.
void take_pool(request_state& c, const pool_entry& pool);

// Another pool than the one that serves it now may hold it: asked when its engine says that it is
// too long.
bool has_larger_pool(const request_state& c);

}  // namespace penstock::gateway
