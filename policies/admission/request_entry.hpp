// What admission in time keeps of one ticket.
#pragma once

#include "penstock/contracts/work.hpp"
#include "penstock/error.hpp"
#include "policies/admission/deadline_heap.hpp"
#include "policies/admission/ticket_slab.hpp"

namespace penstock::admission {

// What queues and their order look at stands in the first cache line.
struct alignas(64) request_entry {
    std::uint32_t generation = 0;
    ticket_phase now = ticket_phase::over;
    bool judged = false;      // waiting: it counts in its class's queue, and its time runs
    bool aside = false;       // waiting: its turn came, but nothing that was free suited it
    bool lacks_room = false;  // … but for the room for its tokens
    bool probe = false;       // granted as a breaker's half-open request
    bool canceled = false;    // granted, but nobody was there any more: its end says nothing
    bool reading = false;     // granted: its prompt is in the replica's backlog
    errc expiry = errc::queue_timeout;  // why, when `expires` comes

    std::uint32_t next = no_slot,
                  previous = no_slot;  // free; waiting: by arrival; reading: by grant
    heap_links order;                  // waiting: in the flow, by deadline
    std::uint32_t flow = no_slot;      // waiting
    time_point due = never;            // what the order within a flow goes by
    std::uint64_t sequence = 0;
    double cost = 0;  // prompt tokens that no replica holds for certain, and the overhead

    struct work work;
    double charged = 0;          // granted: weighted tokens, on the tenant and the class
    time_point expires = never;  // of the wait
    time_point first_token_by = never;

    replica_index replica;     // granted
    double predicted = 0;      // its first token, seconds from the grant; 0: not known
    double backlog = 0;        // what it added to the replica's backlog
    std::uint32_t unread = 0;  // … of which its own tokens
    std::uint64_t kv = 0;      // … and to its keys and values, tokens
    time_point granted_at{}, first_token_at{}, progress_at{};
};

}  // namespace penstock::admission
