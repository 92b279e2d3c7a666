// Admission by Little's law: who waits is told at once when the wait is too long, who is admitted
// begins in time, and engines are sent only what they can start now.
#pragma once

#include "penstock/contracts/admission.hpp"
#include "policies/admission/deadline_queue.hpp"
#include "policies/admission/departure_rate.hpp"
#include "policies/admission/engine_table.hpp"
#include "policies/admission/flow_table.hpp"
#include "policies/admission/indexed_heap.hpp"
#include "policies/admission/replica_table.hpp"
#include "policies/admission/request_entry.hpp"
#include "policies/admission/tuning.hpp"

#include <array>
#include <vector>

namespace penstock::admission {

// reference/routers.md 3.6. A pool has a queue for each class, a queue a flow for each tenant, a
// flow its tickets by deadline. Promises
//  - A replica never has more in flight by new grants than its limit, its slow start and its
//    breaker allow, nor a new prompt while those it has not read are more than it reads in
//    `engine_work`, nor more keys and values than it has room for.
//  - A replica with room never idles while a ticket whose turn it is can use it. Of a pool's
//    classes realtime goes first, but bulk gets `floor` of the tokens while both wait; of a class's
//    tenants the one that was served least in weighted tokens, of equals that with the earliest
//    deadline; of a tenant's tickets the earliest deadline, less the time that its own prompt
//    takes to be read: else long prompts come too late. A ticket that may use none of the replicas
//    with room, and a few that find no room for their tokens, are passed over, and go
//    before all others, in the same order, as soon as something suits them.
//  - A ticket whose first pool is busy may start in a later one that is less than half in use and
//    has no queue of its own; one whose first pool is down takes turns with a later one's own.
//  - A ticket is refused when no replica that it has not tried is up or coming (no_replica); at
//    its arrival when it asked not to wait (would_queue), `pending` of its class wait already
//    (queue_full, or the oldest of them: displaced) or the predicted wait is far longer than what
//    is left to it (wait_too_long); after a wait, when its first token could no longer come in time
//    (too_late); and after `timeout` (queue_timeout) or its own deadline
//    (deadline_spent). Refusals carry the predicted wait and when to come again, jittered by the
//    request's id.
//  - Every ticket gets exactly one verdict unless it is cancelled while it waits.
// Cost: O(log tickets + log tenants + log replicas) per verdict. Nothing allocates once the slabs
// have grown to the highest number of tickets ever seen.
class little final : public admission_policy {
 public:
    little(const domain_spec& spec, time_point now, const tuning& how = {});
    little(const little&) = delete;
    little& operator=(const little&) = delete;

    ticket arrive(const work& work, time_point now) override;
    cancel_result cancel(ticket who, time_point now) override;
    void on(ticket who, const ticket_event& what, time_point now) override;
    void on(replica_index who, const replica_fact& what, time_point now) override;
    indices settings_changed(const domain_spec& spec, time_point now) override;
    bool advance(time_point now, verdict_batch& out) override;
    time_point next_wakeup() const override;
    std::optional<refused> sheds(
        request_class klass, tenant_index tenant, const pool_list& pools, time_point now
    ) const override;
    prediction explain(const work& work, time_point now) const override;
    std::vector<replica_view> replicas(time_point now) const override;
    std::vector<queue_view> queues(time_point now) const override;
    std::uint32_t in_flight() const override { return replicas_.in_flight(); }
    std::uint32_t waiting() const override { return waiting_; }

    // What a test or the simulator may look at: all zero once nothing is in flight and none waits.
    double backlog() const noexcept { return engines_.backlog(); }

 private:
    // Whose turn it is: the flow that was served least, of equals that with the earliest deadline.
    struct turn {
        double served = 0;
        time_point due = never;
        std::uint64_t sequence = 0;
        friend auto operator<=>(const turn&, const turn&) = default;
    };
    struct class_queue {
        indexed_heap<turn> flows;          // that wait
        std::vector<std::uint32_t> aside;  // tickets whose turn came while nothing suited them
        std::uint32_t lack_room = 0;       // of these: nothing but room for their tokens
        std::uint32_t waiting = 0;         // tickets
        std::uint32_t may_spill = 0;       // of these: may use a larger pool, too
        double cost = 0;                   // of those, prompt tokens
        double typical = 0;                // cost of one that comes, fading mean
        departure_rate departures;         // of cost, while anybody stays
        std::uint32_t stayed = 0;          // tickets that could not start when they came
        double level = 0;                  // what the flow whose turn it was last had been served
        bool sheds = false;
        time_point calm_since = never;  // while it sheds: since when the wait is short again
    };
    struct pool_queues {
        std::array<class_queue, num_classes> of;
        // Weighted tokens that bulk may have before realtime goes on; below zero: had beyond its
        // floor. Neither class is owed for a time when it asked for nothing.
        double owed_to_bulk = 0;
        // Whose own pool is down takes turns with those whose pool this is.
        bool guest_is_next = false;
    };
    enum class served : std::uint8_t { one, none, batch_full };

    // The order of the tickets of a flow.
    struct order_of_tickets {
        request_slab& tickets;
        heap_links& links(std::uint32_t i) noexcept { return tickets[i].order; }
        bool before(std::uint32_t a, std::uint32_t b) const noexcept {
            const request_entry &x = tickets[a], &y = tickets[b];
            return x.due != y.due ? x.due < y.due : x.sequence < y.sequence;
        }
    };

    // Steps of `advance`: false when the batch is full.
    bool expire(time_point now, verdict_batch& out);
    bool serve_all(time_point now, verdict_batch& out);
    bool serve(pool_index pool, time_point now, verdict_batch& out);
    bool judge_arrivals(time_point now, verdict_batch& out);
    void forget_arrivals() noexcept;
    void watch_shedding(time_point now);

    // little_serve.cpp
    served serve_next(pool_index pool, time_point now, verdict_batch& out);
    void offer_to_guests(pool_index pool) noexcept;
    served serve_class(
        pool_index pool, request_class klass, request_class as, time_point now, verdict_batch& out
    );
    served serve_aside(
        pool_index pool, request_class klass, request_class as, time_point now, verdict_batch& out
    );
    turn turn_of(std::uint32_t aside) const noexcept;
    std::uint32_t first_of(std::uint32_t flow) const noexcept {
        return by_deadline_.first(flows_[flow].order);
    }
    bool bulk_is_due(pool_index pool) const noexcept;
    // Weighted tokens that it is reckoned with while it runs.
    double price_of(const work& work, std::uint32_t cached) const noexcept;
    bool bulk_may_go(pool_index pool) const noexcept;
    engine_table::choice find(const work& work, request_class as) const;
    bool is_possible(const work& work, time_point now) const;
    static bool comes_too_late(
        const engine_table::choice& where, time_point first_token_by, time_point now
    ) noexcept;
    served start(
        std::uint32_t slot, const engine_table::choice& where, time_point now, verdict_batch& out
    );
    void grant(
        std::uint32_t slot, const engine_table::choice& where, time_point now, verdict_batch& out
    );
    void refuse(std::uint32_t slot, errc reason, time_point now, verdict_batch& out);
    void charge(std::uint32_t slot, double tokens);
    void set_aside(std::uint32_t slot, bool for_room);

    // little_queue.cpp
    void join(std::uint32_t slot);
    void leave(std::uint32_t slot, time_point now);
    void leave_flow(std::uint32_t slot);
    void take_turn(std::uint32_t flow);
    void line_up(std::uint32_t slot, time_point now);
    void end(ticket who, judgement how, const event::completed* told, time_point now);

    // little_predict.cpp
    struct limits_of_wait {
        time_point expires = never;
        errc expiry = errc::queue_timeout;
        // When its first token is to come: as it says itself, or of a stream as its class says from
        // now on. An answer in one piece has no first token.
        time_point first_token_by = never;
        duration left{};  // until the first of its deadlines
    };
    limits_of_wait limits_of(const work& work, time_point now) const;
    errc judge(const work& work, const limits_of_wait& limits, double wait, time_point now) const;
    // Seconds until a ticket of this cost would be sent to a replica, behind those that wait
    // (`queued`: it is one of them itself); 0 where nothing is known.
    double queue_wait(const work& work, pool_index pool, double cost, bool queued) const noexcept;
    double typical_wait(const class_queue& q) const noexcept;
    // … and until its first token.
    double predicted_wait(const work& work, bool queued) const noexcept;
    duration retry_after(double wait, duration budget, std::uint64_t id) const noexcept;
    refused refusal_of(const work& work, errc reason, double wait, time_point now) const;
    static double share_of(std::uint64_t id) noexcept;

    class_queue& queue(pool_index pool, request_class klass) noexcept {
        return queues_[pool.value].of[static_cast<std::size_t>(klass)];
    }
    const class_queue& queue(pool_index pool, request_class klass) const noexcept {
        return queues_[pool.value].of[static_cast<std::size_t>(klass)];
    }

    const tuning how_;
    std::array<class_settings, num_classes> classes_;
    duration retry_after_min_{}, retry_after_max_{};
    replica_table replicas_;
    request_slab tickets_;
    engine_table engines_{how_, replicas_, tickets_};
    flow_table flows_;
    order_of_tickets order_{tickets_};
    deadline_queue<order_of_tickets> by_deadline_{order_};
    std::vector<pool_queues> queues_;    // by pool
    indexed_heap<time_point> expiries_;  // judged tickets
    std::vector<ticket> arrivals_;       // not judged yet, in order
    std::size_t next_arrival_ = 0;       // in arrivals_
    struct line {
        std::uint32_t oldest = no_slot, newest = no_slot, size = 0;  // judged tickets by arrival
    };
    std::array<line, num_classes> lines_;
    std::array<std::uint32_t, num_classes> running_{};  // in flight
    std::uint32_t waiting_ = 0;
    std::uint64_t sequence_ = 0;
    std::uint32_t first_guest_ = 0;  // pool, should it be down; others follow, round and round
    bool changed_ = true;            // something may start that could not before
};

}  // namespace penstock::admission
