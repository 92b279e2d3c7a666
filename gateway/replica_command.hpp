// `penstock replica …`: an operator's word for a replica of a gateway that runs.
#pragma once

#include "penstock/clock.hpp"

#include <iosfwd>
#include <string>

namespace penstock::gateway {

struct replica_order {
    std::string verb;   // list, cordon, drain or resume
    std::string id;     // of the replica; not of `list`
    std::string admin;  // http://host[:port], https://host[:port] or unix:PATH
    std::string key;    // the master key
    duration wait{};    // of `drain`: until the replica is empty, at most so long
};

// What the shell gets to know.
enum class replica_exit : int {
    done = 0,
    refused = 1,      // by the gateway: the key, the replica's id, …
    not_reached = 2,  // or what answered is no gateway
    still_busy = 3    // drained, and after `wait` something is still in flight
};

// Blocks until the gateway has answered. One line for each replica to `out`, what went wrong to
// `err`.
replica_exit order_replica(const replica_order& what, std::ostream& out, std::ostream& err);

}  // namespace penstock::gateway
