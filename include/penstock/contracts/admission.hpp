// Admission: who gets which replica, and when. One object per domain (all versions and pools of one
// model), driven by the gateway under the domain's mutex and by the simulator in virtual time.
#pragma once

#include "penstock/contracts/work.hpp"
#include "penstock/error.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace penstock {

// ── what the domain is made of ──────────────────────────────────────────────────────────────────

enum class replica_state : std::uint8_t {
    starting,
    ready,
    cordoned,  // gets nothing new and will soon be back: who waits for it goes on waiting
    draining,  // gets nothing new
    ejected,
    dead
};

// Settings of one replica, by stable id. `pool` and the replica's own index are the domain's.
struct replica_spec {
    std::string id;            // stable: "chat/v1/short/10.0.0.1:8000"
    std::uint32_t slots = 64;  // requests in flight at most
    std::uint64_t offers =
        ~std::uint64_t{0};      // a replica is eligible when it offers all that a work needs
    bool needs_warmup = false;  // starts as `starting` until probed{ready} says that it was warmed
    std::uint64_t kv_tokens = 0;  // whose keys and values fit; 0: not known, not limited
};

struct pool_spec {
    std::string id;             // stable: "chat/v1/short"
    std::uint32_t context = 0;  // tokens of prompt and answer together; 0: not stated
    std::vector<replica_spec> replicas;
};

struct breaker_settings {
    std::uint32_t failures = 5;                        // consecutive failures that open the breaker
    duration open_for = std::chrono::seconds(5);       // until the one half-open probe
    duration open_for_max = std::chrono::seconds(60);  // doubled after each failed probe up to this
};

struct outlier_settings {
    double failure_rate = 0.5;        // of a window's requests; above it the replica is ejected
    std::uint32_t min_requests = 20;  // in the window, before the rate means anything
    duration window = std::chrono::seconds(30);
    duration eject_for = std::chrono::seconds(30);
    double max_ejected = 0.5;  // share of a pool's replicas ejected at most
};

// Whom a class serves first, and whom it drops when `pending` wait already.
enum class queue_discipline : std::uint8_t {
    deadline,    // the earliest deadline first; a full queue refuses the newcomer
    drop_oldest  // in order of arrival; a full queue drops its oldest (streams of frames)
};

struct class_settings {
    std::uint32_t pending = 256;                    // waiting requests at most
    duration timeout = std::chrono::seconds(10);    // waiting at most
    std::uint32_t concurrency = 512;                // in flight at most, in the whole domain
    duration ttft = std::chrono::seconds(2);        // target of time to first token
    duration tpot = std::chrono::milliseconds(80);  // target of time per output token; 0: none
    double floor = 0;                               // share of all tokens that it gets in any case
    queue_discipline discipline = queue_discipline::deadline;
};

struct domain_spec {
    std::string id;                // the model's name
    std::vector<pool_spec> pools;  // in order of version, then context
    class_settings classes[num_classes];
    breaker_settings breaker;
    outlier_settings outlier;
    duration slow_start =
        std::chrono::seconds(10);  // a replica's slots grow from 1 to all over this
    double spill_below = 0.5;  // a pool takes a work that prefers another while less of it is used
    duration retry_after_min = std::chrono::seconds(1);
    duration retry_after_max = std::chrono::seconds(60);
};

// ── events ──────────────────────────────────────────────────────────────────────────────────────

// A slot of the domain's slab and the generation that makes a late event harmless.
struct ticket {
    std::uint32_t slot = 0xffff'ffff;
    std::uint32_t generation = 0;
    friend bool operator==(ticket, ticket) = default;
};

namespace event {
struct first_byte {};  // of a streamed answer
struct progress {
    std::uint32_t tokens = 0;
};  // since the last one; at most every 250 ms
struct completed {
    usage used;
    ending end = ending::upstream_error;
    bool streamed = false;
};
struct engine_refused {
    duration retry_after{};
};  // 429 or 503 of the upstream: place elsewhere
}  // namespace event
// `completed` and `engine_refused` end the ticket: its slot is free from then on.
using ticket_event =
    std::variant<event::first_byte, event::progress, event::completed, event::engine_refused>;

namespace fact {
struct state {
    replica_state now;
};  // said by an operator or a supervisor
// Of an active probe. `ready` after `starting` begins the slow start.
struct probed {
    bool healthy;
};
// What an engine says of itself; −1: not reported.
struct scraped {
    double running = -1, waiting = -1;  // requests
    double kv_used = -1;                // share of its memory for keys and values
    double preemptions = -1;            // counted from its start
    double max_running = -1;            // requests in one batch at most
    double kv_tokens = -1;              // whose keys and values fit
};
}  // namespace fact
using replica_fact = std::variant<fact::state, fact::probed, fact::scraped>;

// ── verdicts ────────────────────────────────────────────────────────────────────────────────────

struct granted {
    ticket who;
    replica_index replica;
    duration predicted_ttft{};
    bool probe = false;  // the one half-open request of a breaker
};

struct refused {
    ticket who;
    errc reason = errc::queue_full;
    duration wait{};  // predicted
    duration retry_after{};
};

using verdict = std::variant<granted, refused>;

inline constexpr std::size_t verdict_batch_size = 16;
using verdict_batch = inline_list<verdict, verdict_batch_size>;

struct cancel_result {
    enum class state : std::uint8_t { waiting, granted, over } was = state::over;
    replica_index replica;  // when granted: the caller takes the permit and drops it
};

// What would happen to `work` now, without changing anything.
struct prediction {
    struct candidate {
        replica_index replica;
        bool eligible = false;
        std::uint32_t in_flight = 0, slots = 0;
        std::uint64_t backlog = 0;    // tokens of prompts that it has not read yet
        std::uint64_t kv_tokens = 0;  // committed
        double prefill_rate = 0;      // tokens a second, learned; 0: not known
        std::uint32_t cached = 0;     // tokens of this prompt that it may hold
        duration predicted_ttft{};    // once it is sent there
    };
    // How many more requests may wait, and may run; −1: not limited.
    struct class_left {
        std::int64_t pending = -1, concurrency = -1;
    };
    bool would_admit = false, would_queue = false;
    errc reason = errc::count_;  // why it would be refused, when neither
    replica_index replica;       // when admitted
    std::uint32_t queued = 0;    // ahead of it
    duration wait{};             // until its first token, in the queue and at the replica
    duration retry_after{};      // when refused
    std::vector<candidate> candidates;
    std::array<class_left, num_classes> left;  // of the domain's limits
};

// One replica as the outside may see it: for /health, metrics and the log.
struct replica_view {
    replica_index index;
    pool_index pool;
    std::string id;
    replica_state state = replica_state::starting;
    std::uint32_t in_flight = 0, slots = 0;
    bool breaker_open = false;
    time_point ready_since{};  // meaningless unless ready
};

// What waits in one pool, of one class: for metrics, and for who adds replicas.
struct queue_view {
    pool_index pool;
    request_class klass = request_class::realtime;
    std::uint32_t waiting = 0;
    duration wait{};     // predicted, of one that comes now behind all of them
    bool sheds = false;  // the wait is beyond the class's target, and has been lately
};

// Not thread-safe: callers hold the domain's mutex over one call of the first group and `advance`.
// None of these but `settings_changed`, `replicas`, `queues` and `explain` allocates, blocks, logs
// or reads a clock; `now` never runs backwards.
class admission_policy {
 public:
    virtual ~admission_policy() = default;

    // Queues. The verdict, even an immediate one, comes from `advance`.
    virtual ticket arrive(const work& work, time_point now) = 0;
    virtual cancel_result cancel(ticket who, time_point now) = 0;
    virtual void on(ticket who, const ticket_event& what, time_point now) = 0;
    virtual void on(replica_index who, const replica_fact& what, time_point now) = 0;
    // Pools and replicas of the old spec keep their index and live state by stable id; those that
    // are gone drain. Returns the indices of the spec's pools and replicas, in its order.
    struct indices {
        std::vector<pool_index> pools;
        std::vector<std::vector<replica_index>> replicas;  // [pool][replica]
    };
    virtual indices settings_changed(const domain_spec& spec, time_point now) = 0;

    // True: the batch is full; unlock, deliver and call again.
    virtual bool advance(time_point now, verdict_batch& out) = 0;
    // When `advance` should run though nothing happened; `never` if no one waits for time.
    virtual time_point next_wakeup() const = 0;

    // The verdict on every request of this class and tenant that may use only these pools, where
    // it is the same whatever its size: for refusing before a body is read. Empty: it depends.
    // O(pools).
    virtual std::optional<refused> sheds(
        request_class klass, tenant_index tenant, const pool_list& pools, time_point now
    ) const = 0;
    // After an `advance` of the same `now`.
    virtual prediction explain(const work& work, time_point now) const = 0;
    virtual std::vector<replica_view> replicas(time_point now) const = 0;
    // Of every pool and class, in that order.
    virtual std::vector<queue_view> queues(time_point now) const = 0;
    virtual std::uint32_t in_flight() const = 0;
    virtual std::uint32_t waiting() const = 0;
};

}  // namespace penstock
