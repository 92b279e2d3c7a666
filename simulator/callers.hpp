// Those who are not through yet: slots that are used again, each use under a generation of its own.
#pragma once

#include "penstock/contracts/admission.hpp"
#include "simulator/request.hpp"

#include <vector>

namespace penstock::simulator {

struct caller {
    // away: refused, and will come again.
    enum class phase : std::uint8_t { gone, away, waiting, granted, answered };
    phase now = phase::gone;
    std::uint32_t generation = 0;  // makes events of an earlier use harmless
    std::uint32_t record = 0;      // its number among all requests
    std::uint32_t replica = 0;     // its number in the fleet, once granted
    ticket who;
    request asked;
    time_point asked_at{};  // this attempt of the client
    tried_list tried;
};

class callers {
 public:
    std::uint32_t add(const request& asked, std::uint32_t record) {
        if (free_.empty()) {
            free_.push_back(static_cast<std::uint32_t>(slots_.size()));
            slots_.emplace_back();
        }
        const std::uint32_t i = free_.back();
        free_.pop_back();
        slots_[i] = {.generation = slots_[i].generation, .record = record, .asked = asked};
        ++active_;
        return i;
    }
    void remove(std::uint32_t i) {
        slots_[i].now = caller::phase::gone;
        ++slots_[i].generation;
        free_.push_back(i);
        --active_;
    }

    caller& operator[](std::uint32_t i) noexcept { return slots_[i]; }
    std::uint32_t active() const noexcept { return active_; }

    // Whose ticket it is, until it is taken away.
    void expects_verdict(std::uint32_t i) {
        const std::uint32_t slot = slots_[i].who.slot;
        if (slot >= by_ticket_.size()) by_ticket_.resize(slot + 1);
        by_ticket_[slot] = i;
    }
    std::uint32_t of(ticket who) const noexcept { return by_ticket_[who.slot]; }

 private:
    std::vector<caller> slots_;
    std::vector<std::uint32_t> free_, by_ticket_;
    std::uint32_t active_ = 0;
};

}  // namespace penstock::simulator
