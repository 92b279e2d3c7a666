// What admission would say of a request now, in the numbers that operators compare: those of an
// explanation and those of a real request's debug line are the same, digit for digit.
#pragma once

#include "penstock/contracts/admission.hpp"
#include "penstock/refusal.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::gateway {

struct request_state;

struct decided {
    struct candidate {
        std::string replica, pool;
        prediction::candidate numbers;
        double predicted_ttft_ms = 0;
    };
    std::string_view verdict;   // admitted, queued or refused
    std::optional<refusal> no;  // when refused: as its client would be told
    std::string pools;          // that may serve it, the preferred one first, with a blank between
    std::string replica;        // when admitted
    double predicted_ttft_ms = 0;  // at `replica`, once it is sent there
    double wait_ms = 0;            // until its first token, in the queue and at a replica
    std::uint32_t queued = 0;      // ahead of it
    prediction::class_left left;   // of its class's limits
    std::vector<candidate> candidates;

    // Whole milliseconds, as in the header; 0: none.
    std::int64_t retry_after_ms() const noexcept {
        return no && no->retry_after ? no->retry_after->count() : 0;
    }
};

// `c` has been steered. `said` is its domain's.
decided decided_of(const request_state& c, const prediction& said);

// Milliseconds with three digits behind the point.
double in_milliseconds(duration d) noexcept;

// The line "decided" of the operational log. Nothing of the request's text, and no key.
void log_decided(const request_state& c, const prediction& said);

}  // namespace penstock::gateway
