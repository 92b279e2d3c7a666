// Which pools may serve a request: the smallest context into which prompt and answer fit, then the
// larger ones.
#pragma once

#include "penstock/contracts/work.hpp"
#include "penstock/error.hpp"
#include "policies/access/access.hpp"
#include "policies/length/cap.hpp"
#include "policies/length/estimate.hpp"
#include "policies/length/learned.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace penstock::length {

// What a pool takes.
struct pool_terms {
    pool_index pool;
    std::uint32_t context =
        0;  // tokens of prompt and answer together; 0: not stated, holds anything
    std::uint32_t max_tokens = 0;  // cap of an answer; 0: none
    access::index_set classes;     // by request_class; a pool that is reserved for others
    access::index_set tenants;     // does not exist for a request

    bool is_open_to(request_class klass, tenant_index tenant) const noexcept {
        return classes.contains(static_cast<std::uint32_t>(klass)) &&
               tenants.contains(tenant.value);
    }
};

struct pool_question {
    estimate prompt;
    request_class klass = request_class::realtime;
    tenant_index tenant;
    bool makes_tokens = true;            // embeddings and rerank have no answer to hold
    std::optional<std::uint64_t> asked;  // max_tokens of each choice
    std::uint32_t cap = 0;               // of model and key; 0: none
    length::over_cap over_cap = over_cap::clamp;
    std::uint32_t output_each = 0;  // expected of one choice, where nothing limits it
    conversation last;              // what this one had before, if it is one
    bool is_session = false;  // the client named the conversation; else it may be another one that
                              // begins alike
};

struct pool_choice {
    pool_list pools;            // preferred first, then those it may spill into; never a smaller
    std::uint32_t largest = 0;  // context of the largest that is open to it; 0: not stated
    bool others_are_reserved = false;  // there are pools that are not open to it
    // Where there is no pool: context_length_exceeded (too long for certain), over_cap (asks for
    // more than any pool gives, and is not to be clamped), model_not_allowed (all are reserved).
    errc why = errc::count_;
    std::uint32_t most_output = 0;  // with over_cap: the highest cap
};

// `pools` in order of context, those without one last.
//
// A request is too long only when its prompt's certain lower bound is above the largest context; in
// doubt it goes to the largest, whose engine knows. The doubt of the estimate counts as a margin of
// a tenth at most, since too small a pool costs a second attempt or cuts the answer short.
// Hysteresis: a conversation leaves a pool at 0.9 of its context, and does not come back to a
// smaller one until it is forgotten.
pool_choice choose_pools(std::span<const pool_terms> pools, const pool_question& asks) noexcept;

}  // namespace penstock::length
