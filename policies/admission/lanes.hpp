// The queue of one domain: tickets in order of arrival, in one lane for each set of replicas that
// they may use.
#pragma once

#include "policies/admission/replica_table.hpp"
#include "policies/admission/ticket_slab.hpp"

#include <array>
#include <vector>

namespace penstock::admission {

// Where a ticket waits. All tickets of a lane can start on the same replicas, so that the first
// speaks for all: a lane that is blocked blocks no other, and finding the next to start costs the
// number of lanes, not of tickets. There are as many lanes as pool lists and needs in use,
// and one more for each set of replicas that some waiting ticket has tried.
struct lane {
    request_class klass = request_class::realtime;
    demand wanted;
    std::uint64_t pool_mask = 0;  // bit (index mod 64) of each pool: for predictions only
    std::uint32_t first = no_slot, last = no_slot, size = 0;
    std::uint32_t active_at = 0;  // in the list of active lanes, or next free lane
};

class lanes {
 public:
    explicit lanes(ticket_slab& tickets) : tickets_(tickets) {}
    void reserve(std::size_t lanes);

    // Last of its lane.
    void append(std::uint32_t slot, request_class klass, const demand& wanted);
    // A lane that is empty is gone.
    void remove(std::uint32_t slot) noexcept;

    // Those with tickets, in no order.
    const std::vector<std::uint32_t>& active(request_class klass) const noexcept {
        return active_[static_cast<std::size_t>(klass)];
    }
    const lane& operator[](std::uint32_t i) const noexcept { return lanes_[i]; }
    // Tickets that are served before a new one of this class and these pools. A guess where more
    // than 64 pools have ever been.
    std::uint32_t ahead(request_class klass, const pool_list& pools) const noexcept;
    std::uint32_t size() const noexcept { return size_; }

 private:
    std::uint32_t open(request_class klass, const demand& wanted);

    ticket_slab& tickets_;
    std::vector<lane> lanes_;
    std::array<std::vector<std::uint32_t>, num_classes> active_;
    std::uint32_t free_ = no_slot;
    std::uint32_t size_ = 0;
};

}  // namespace penstock::admission
