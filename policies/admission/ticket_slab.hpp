// Tickets of one domain: slots that are used again, each use under a generation of its own.
#pragma once

#include "penstock/contracts/admission.hpp"

#include <vector>

namespace penstock::admission {

inline constexpr std::uint32_t no_slot = 0xffff'ffff;

enum class ticket_phase : std::uint8_t { over, waiting, granted };

struct ticket_entry {
    std::uint32_t generation = 0;
    ticket_phase now = ticket_phase::over;
    bool judged = false;  // waiting: it counts in its class's queue, and its time runs
    bool no_queue = false;
    bool own_deadline = false;   // `expires` is the request's deadline, not the queue's time-out
    bool probe = false;          // granted as a breaker's half-open request
    bool canceled = false;       // granted, but nobody was there any more: its end says nothing
    std::uint64_t sequence = 0;  // of arrival
    std::uint32_t lane = 0;
    std::uint32_t previous = no_slot, next = no_slot;  // in the lane, or among the free
    time_point deadline = never;                       // of the request itself
    time_point expires = never;                        // of the wait
    replica_index replica;                             // granted
};

// `Entry` has `generation`, `now` (a ticket_phase) and `next`, which links the free ones.
template <class Entry>
class basic_ticket_slab {
 public:
    void reserve(std::size_t slots) { entries_.reserve(slots); }

    // A slot for a new ticket; its entry is fresh but for the generation.
    std::uint32_t add() {
        if (free_ == no_slot) {
            entries_.emplace_back();
            return static_cast<std::uint32_t>(entries_.size() - 1);
        }
        const std::uint32_t slot = free_;
        free_ = entries_[slot].next;
        const std::uint32_t generation = entries_[slot].generation;
        entries_[slot] = Entry{};
        entries_[slot].generation = generation;
        return slot;
    }
    // Events of this use are late from now on.
    void remove(std::uint32_t slot) noexcept {
        entries_[slot].now = ticket_phase::over;
        ++entries_[slot].generation;
        entries_[slot].next = free_;
        free_ = slot;
    }

    Entry& operator[](std::uint32_t slot) noexcept { return entries_[slot]; }
    const Entry& operator[](std::uint32_t slot) const noexcept { return entries_[slot]; }
    ticket name_of(std::uint32_t slot) const noexcept { return {slot, entries_[slot].generation}; }
    // Null when the ticket is over.
    Entry* find(ticket who) noexcept {
        if (who.slot >= entries_.size()) return nullptr;
        Entry& e = entries_[who.slot];
        const bool alive = e.generation == who.generation && e.now != ticket_phase::over;
        return alive ? &e : nullptr;
    }

 private:
    std::vector<Entry> entries_;
    std::uint32_t free_ = no_slot;
};

using ticket_slab = basic_ticket_slab<ticket_entry>;

}  // namespace penstock::admission
