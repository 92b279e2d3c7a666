// Admission by fixed slots: every replica takes so many requests at once, whatever they cost; who
// finds none waits in order of arrival, realtime before bulk.
#pragma once

#include "penstock/contracts/admission.hpp"
#include "policies/admission/indexed_heap.hpp"
#include "policies/admission/lanes.hpp"
#include "policies/admission/replica_table.hpp"
#include "policies/admission/ticket_slab.hpp"

#include <array>
#include <vector>

namespace penstock::admission {

// Promises
//  - A replica never has more in flight by new grants than its slots, its slow start and its
//    breaker allow; lowered slots take nothing away from those that run.
//  - A pool serves tickets that prefer another only while less than `spill_below` of its slots are
//    in use.
//  - Of tickets that could start on the same replicas the first to arrive starts first; a ticket
//    that cannot start yet holds up no other. `tried` replicas are out for good.
//  - A ticket is refused as soon as no replica that it has not tried is up or, by its supervisor's
//    word, starting (no_replica), when it would have to wait and asked not to (would_queue) or
//    `pending` of its class wait already (queue_full), after `timeout` in the queue
//    (queue_timeout), and when its own deadline has passed (deadline_spent): the time-out runs from
//    `arrive`, so a request that was moved to another replica waits again.
//  - Every ticket gets exactly one verdict unless it is cancelled while it waits.
// Cost: a grant is O(active lanes × replicas of their pools), everything else O(lanes + log
// waiting). Nothing allocates once the slabs have grown to the highest number of tickets ever seen.
// first_byte, progress and scraped facts are taken and change nothing.
class fixed_slots final : public admission_policy {
 public:
    fixed_slots(const domain_spec& spec, time_point now);
    fixed_slots(const fixed_slots&) = delete;
    fixed_slots& operator=(const fixed_slots&) = delete;

    ticket arrive(const work& work, time_point now) override;
    cancel_result cancel(ticket who, time_point now) override;
    void on(ticket who, const ticket_event& what, time_point now) override;
    void on(replica_index who, const replica_fact& what, time_point now) override;
    indices settings_changed(const domain_spec& spec, time_point now) override;
    bool advance(time_point now, verdict_batch& out) override;
    time_point next_wakeup() const override;
    // Its verdicts depend on nobody's size, so an early one is worth nothing: always empty.
    std::optional<refused> sheds(request_class, tenant_index, const pool_list&, time_point)
        const override {
        return {};
    }
    prediction explain(const work& work, time_point now) const override;
    std::vector<replica_view> replicas(time_point now) const override;
    std::vector<queue_view> queues(time_point now) const override;
    std::uint32_t in_flight() const override { return replicas_.in_flight(); }
    std::uint32_t waiting() const override { return lanes_.size(); }

 private:
    // Each step of `advance` is false when the batch is full.
    bool expire(time_point now, verdict_batch& out);
    bool serve(request_class klass, time_point now, verdict_batch& out);
    bool judge_arrivals(time_point now, verdict_batch& out);

    struct next_start {
        std::uint32_t slot = no_slot;
        replica_index replica;
        std::uint32_t hopeless_lane = no_slot;  // nobody in it can ever start: refuse one of it
    };
    next_start find_next(request_class klass, time_point now) const;
    demand demand_of(const work& work) const;
    errc judge(const ticket_entry& entry, request_class klass, time_point now) const;
    void grant(std::uint32_t slot, replica_index replica, time_point now, verdict_batch& out);
    void refuse(std::uint32_t slot, errc reason, time_point now, verdict_batch& out);
    void stop_waiting(std::uint32_t slot, time_point now);
    void end(ticket who, judgement how, time_point now);
    // Of a new ticket behind all that wait now; 0: not known, or nobody waits.
    duration predicted_wait(request_class klass, const pool_list& pools) const;
    duration retry_after(duration wait) const;

    std::array<class_settings, num_classes> queue_;
    duration retry_after_min_{}, retry_after_max_{};
    replica_table replicas_;
    ticket_slab tickets_;
    lanes lanes_{tickets_};
    indexed_heap<time_point> expiries_;
    std::array<std::uint32_t, num_classes> queued_{};  // waiting and judged
    std::vector<ticket> arrivals_;                     // not judged yet, in order
    std::size_t next_arrival_ = 0;                     // in arrivals_
    std::uint64_t sequence_ = 0;
    bool changed_ = true;             // something may start that could not before
    time_point next_change_ = never;  // when time alone may let something start
};

}  // namespace penstock::admission
