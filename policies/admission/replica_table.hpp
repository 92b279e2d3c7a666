// The replicas of one domain as admission sees them: who is up, how much each has in flight, and
// which of a request's pools can take one more.
#pragma once

#include "penstock/contracts/admission.hpp"
#include "policies/admission/departure_rate.hpp"
#include "policies/health/breaker.hpp"
#include "policies/health/life.hpp"
#include "policies/health/outlier.hpp"

#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace penstock::admission {

// Which replicas a request may use: those of its pools that offer all that it needs and were not
// tried.
struct demand {
    pool_list pools;
    tried_list tried;
    std::uint64_t needs = 0;
};

// After a 429 or 503 an engine is left alone for what it asks, at most so long; it is not failed.
inline constexpr duration engine_pause_max = std::chrono::seconds(1);

// How a request that was granted a replica ended, as far as the replica's health goes.
enum class judgement : std::uint8_t { success, failure, neutral };
judgement judgement_of(ending how) noexcept;

class replica_table {
 public:
    // Replicas keep index, counts, breaker and outlier record by id. Those that are gone take
    // nothing new and keep their index for the same id for ever.
    admission_policy::indices apply(const domain_spec& spec, time_point now);

    struct choice {
        replica_index replica;  // none: nothing can start now
        bool busy = false;      // but something could later without anybody coming back to life
    };
    // The least loaded replica of the first pool that has one free. A pool that is not the first of
    // these counts as busy unless less than `spill_below` of its slots are in use, so that what
    // belongs there finds room. O(replicas of the pools).
    choice choose(const demand& wanted, time_point now) const;
    // When a replica that is not eligible now may be, as far as time alone decides; `never` if
    // none.
    time_point back_at(const demand& wanted, time_point now) const;

    // Counts the pools' free and busy replicas anew, which the next two look at. O(replicas).
    void measure(time_point now);
    void measure(pool_index pool, time_point now);
    bool any_free(const pool_list& pools) const noexcept;
    // True: some replica that may be used is busy, whichever were tried.
    bool surely_busy(const demand& wanted) const noexcept;

    // True when this request is the probe of the replica's breaker.
    bool begin(replica_index who, time_point now);
    void end(replica_index who, judgement how, bool was_probe, time_point now);
    void pause(replica_index who, duration asked, time_point now);
    void learn(replica_index who, const replica_fact& what, time_point now);

    // When time alone next makes some replica eligible; `never` if it does not.
    time_point next_change(time_point now) const;

    // One of them, by an index that `apply` returned.
    enum class standing : std::uint8_t {
        free,    // it can take one more, as far as health and slots go
        busy,    // it can later, without coming back to life
        coming,  // it is not up, and will be, or will be known to be down
        down
    };
    static constexpr bool is_up(standing s) noexcept {
        return s == standing::free || s == standing::busy;
    }
    standing stands(replica_index who, time_point now) const noexcept {
        return stands(replicas_[who.value], now);
    }
    // Slots of it now: fewer than the settings' while it starts slowly.
    std::uint32_t limit(replica_index who, time_point now) const noexcept {
        return limit(replicas_[who.value], now);
    }
    // When time alone next changes where it stands; `never` if it does not.
    time_point next_change(replica_index who, time_point now) const noexcept;
    bool may_use(const demand& wanted, replica_index who) const noexcept;
    const std::string& id(replica_index who) const noexcept { return replicas_[who.value].id; }
    std::size_t size() const noexcept { return replicas_.size(); }

    // Those that are this domain's, each once: foreign numbers are left out.
    pool_list known(const pool_list& pools) const noexcept;
    // A ticket waits (more) or no longer waits for one of these, which are known.
    void waiting_changed(const pool_list& pools, bool more, time_point now);
    // Departures per second of these pools together; 0: not known.
    double rate(const pool_list& pools) const;

    void explain(const demand& wanted, time_point now, prediction& out) const;
    std::vector<replica_view> views(time_point now) const;
    // Those with replicas.
    std::vector<pool_index> pools() const;
    std::uint32_t in_flight() const noexcept { return in_flight_; }

 private:
    // What every decision reads comes first.
    struct replica {
        std::uint64_t offers = 0;
        std::uint32_t slots = 0;
        std::uint32_t in_flight = 0;
        time_point ejected_until{};
        time_point paused_until{};
        health::life life;
        health::breaker breaker;
        bool listed = false;
        pool_index pool;
        std::size_t place = 0;  // among the pool's members
        health::outlier_window window;
        std::string id;
    };
    struct pool {
        std::string id;
        std::vector<replica_index> members;  // listed ones
        std::size_t next = 0;                // where the search begins: equals take turns
        std::uint32_t free = 0, busy = 0;    // as last measured
        std::uint64_t busy_offer = 0;        // what each of the busy ones offers
        std::uint32_t waiting = 0;           // tickets that could start here
        departure_rate departures;
    };
    pool_index add_pool(const pool_spec& spec);
    replica_index add_replica(const replica_spec& spec, pool_index pool, time_point now);
    const pool* find(pool_index i) const noexcept;
    std::uint32_t limit(const replica& r, time_point now) const noexcept;
    standing stands(const replica& r, time_point now) const noexcept;
    bool has_room_for_others(const pool& p, time_point now) const noexcept;
    replica_state state(const replica& r, time_point now) const noexcept;
    void judge(replica& r, bool failed, bool was_probe, time_point now);
    void eject(replica& r, time_point now);

    breaker_settings breaker_;
    outlier_settings outlier_;
    duration slow_start_{};
    bool serves_ = false;  // had replicas before the settings that are being applied
    double spill_below_ = 1;
    std::vector<replica> replicas_;
    std::vector<pool> pools_;
    std::unordered_map<std::string, replica_index> replica_of_;
    std::unordered_map<std::string, pool_index> pool_of_;
    std::uint32_t in_flight_ = 0;
};

}  // namespace penstock::admission
