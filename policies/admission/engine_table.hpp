// What each replica was given and how fast it reads, and which of a pool would begin first.
#pragma once

#include "penstock/contracts/admission.hpp"
#include "policies/admission/concurrency_limit.hpp"
#include "policies/admission/departure_rate.hpp"
#include "policies/admission/indexed_heap.hpp"
#include "policies/admission/replica_table.hpp"
#include "policies/admission/request_entry.hpp"
#include "policies/admission/tuning.hpp"
#include "policies/placement/bounded_ring.hpp"

#include <array>
#include <vector>

namespace penstock::admission {

// Tokens of keys and values that a request takes.
inline std::uint64_t kv_of(const work& work) noexcept {
    return std::uint64_t{work.prompt_tokens} + work.output_expected;
}

using request_slab = basic_ticket_slab<request_entry>;

// Our own exact counts (reference/routers.md 3.6): B, the prompt tokens that a replica has been
// sent and not read yet; N, requests in flight; K, committed keys and values; N*, the limit. What
// an engine says of itself adds what it does for others, and never takes away.
//
// Of the replicas that can take one more there is a heap for each pool and class by the time in
// which they will have read what they have, so that choosing costs O(log replicas).
class engine_table {
 public:
    engine_table(const tuning& how, replica_table& health, request_slab& tickets)
        : how_(how), health_(health), tickets_(tickets) {}

    // After `replica_table::apply`, whose indices these are.
    void apply(const domain_spec& spec, const admission_policy::indices& indices, time_point now);

    struct choice {
        replica_index replica;     // none: see the next two
        bool odd = false;          // some can take one more, but none that this request may use
        bool lacks_room = false;   // … and that it may use, but not with so many tokens
        double ttft = 0;           // predicted, seconds from now; 0 where no rate is known
        double late = 0;           // by which one in fifty of its predictions was too early
        std::uint32_t cached = 0;  // tokens of the prompt that the replica may hold
    };

    // ── facts ──
    // Looks again at whether a replica can take one more. After anything that may change it.
    void refresh(replica_index who, time_point now);
    // Refreshes those whose time has come; false: none.
    bool pass(time_point now);
    time_point next_change() const noexcept;
    void scraped(replica_index who, const fact::scraped& said, time_point now);

    void begin(std::uint32_t slot, const choice& where, time_point now);
    // The first token of a stream: it and every unstreamed prompt sent before it have been read.
    void first_token(std::uint32_t slot, time_point now);
    void progress(std::uint32_t slot, std::uint32_t tokens, time_point now);
    // Before the ticket is removed. `output`: tokens of its answer; 0: not known.
    void end(std::uint32_t slot, std::uint64_t output, time_point now);
    void pressed(replica_index who) noexcept { engines_[who.value].limit.pressed(); }

    // ── questions ──
    // The replica of one pool on which this request would see its first token first.
    choice choose(const work& work, pool_index pool, request_class as) const;
    // Whether some replica of the pool may take it some time without coming back to life. O(1)
    // where the pool's replicas all offer what it needs and more of them are up than it has tried.
    bool is_possible(const work& work, pool_index pool, time_point now) const;
    pool_index pool_of(replica_index who) const noexcept { return engines_[who.value].pool; }
    // No replica of it is up or coming.
    bool is_down(pool_index pool) const noexcept {
        return pools_[pool.value].usable + pools_[pool.value].coming == 0;
    }
    // Replicas that are up.
    std::uint32_t usable(pool_index pool) const noexcept { return pools_[pool.value].usable; }
    bool any_ready(pool_index pool, request_class as) const noexcept {
        return !pools_[pool.value].ready[static_cast<std::size_t>(as)].empty();
    }
    // Share of the pool's slots in use.
    double used(pool_index pool) const noexcept;
    // Prompt tokens a second of one replica, as the pool's replicas do it on the mean; 0: unknown.
    double typical_rate(pool_index pool) const noexcept;
    // Tokens that a prompt costs a replica which holds none of it.
    double cost_of(const work& work) const noexcept {
        return static_cast<double>(work.prompt_tokens) + how_.prompt_overhead;
    }

    prediction::candidate candidate(const work& work, replica_index who, time_point now) const;
    std::uint32_t limit(replica_index who, time_point now) const noexcept;
    const std::vector<replica_index>& members(pool_index pool) const noexcept {
        return pools_[pool.value].members;
    }
    // Prompts that are being read anywhere, and their tokens: nothing is left when all have ended.
    double backlog() const noexcept;

 private:
    // A choice looks at several engines: what it reads of each stands in one cache line.
    struct alignas(64) engine {
        pool_index pool;
        std::uint32_t in_flight = 0;
        double backlog = 0;                 // what its unread prompts cost
        double rate = 0;                    // of prefill, as it stands in the pool's sum
        std::uint64_t kv = 0, kv_most = 0;  // tokens; most 0: not known
        double others_kv = 0;               // tokens that are not ours
        quantile late{0.98};                // seconds, of first tokens against their prediction

        bool listed = false;
        replica_table::standing stands = replica_table::standing::down;  // as counted
        bool moved = false;  // of ours something began or ended there since it last spoke
        std::uint32_t oldest = no_slot, newest = no_slot;  // tickets that are being read
        std::uint32_t reading = 0, streams = 0;            // of those: all, and streams
        std::uint64_t unread = 0;                          // their tokens
        double others = 0;                                 // requests that are not ours
        std::uint32_t most_in_flight = 0;                  // of ours, since it was last asked
        std::uint32_t slots = 0, said_slots = 0;           // of the settings; of the engine
        std::uint64_t most_kv = 0;
        time_point stale_at = never;  // known once it has spoken twice
        concurrency_limit limit;
        departure_rate prefill;

        double preemptions = -1;
        std::uint64_t said_kv = 0;
        fact::scraped said;  // by the engine, last
        time_point heard{};  // from the engine last
        bool spoke = false;
    };
    struct pool {
        std::vector<replica_index> members;
        std::array<indexed_heap<double>, num_classes> ready;
        std::uint32_t usable = 0, coming = 0;  // replicas
        std::uint32_t slots = 0;               // of usable ones
        std::uint32_t in_flight = 0;
        std::uint64_t offers = ~std::uint64_t{0};  // of all its members
        std::uint64_t kv = 0;
        double rate_sum = 0;  // of those whose rate is known
        std::uint32_t rates = 0;
        placement::bounded_ring ring;
    };

    void enroll(const replica_spec& spec, replica_index who, pool_index pool);
    static void count(pool& p, engine& e, replica_table::standing stands) noexcept;
    void stop_reading(std::uint32_t slot, bool was_read, time_point now);
    void forget_stale(engine& e, time_point now) noexcept;
    static bool repeats(const engine& e, const fact::scraped& said) noexcept;
    static void note_others(engine& e, const fact::scraped& said) noexcept;
    void review(replica_index who, time_point now);
    bool fits(const engine& e, const work& work) const noexcept;
    double rate_of(const engine& e) const noexcept;  // never 0
    bool may_have_more(const engine& e) const noexcept;
    std::uint32_t reserve(request_class as, std::uint32_t limit) const noexcept;
    replica_index home_of(const work& work, const pool& p) const;

    const tuning& how_;
    replica_table& health_;
    request_slab& tickets_;
    std::vector<engine> engines_;
    std::vector<pool> pools_;
    indexed_heap<time_point> changes_;   // replicas
    indexed_heap<time_point> readings_;  // unstreamed tickets, by when they should have been read
    double target_ = 0;                  // seconds per output token; 0: none
};

}  // namespace penstock::admission
