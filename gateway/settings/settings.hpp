// What an operator writes, as typed structs: defaults are the member initialisers, every field says
// its unit and reason, and loading, unknown-key errors, the schema and the documentation check
// follow from the description lines.
#pragma once

#include "penstock/clock.hpp"

#include <boost/describe.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace penstock::settings {

struct tls_listen {
    std::string certificate;  // PEM file: leaf, then intermediates
    std::string key;          // PEM: {file: PATH} or ${NAME}
    std::string client_ca;    // PEM file; set: clients must present a certificate it signed
    bool operator==(const tls_listen&) const = default;
};
BOOST_DESCRIBE_STRUCT(tls_listen, (), (certificate, key, client_ca))

struct listen {
    // host:port, [v6]:port or unix:PATH; loopback, so that nothing is open by accident.
    std::string address = "127.0.0.1:4000";
    std::optional<tls_listen> tls;
    bool operator==(const listen&) const = default;
};
BOOST_DESCRIBE_STRUCT(listen, (), (address, tls))

struct admin {
    std::string address;     // empty: /metrics, /health and /admin are on the main port
    std::string master_key;  // of /admin; empty: that is closed
    bool operator==(const admin&) const = default;
};
BOOST_DESCRIBE_STRUCT(admin, (), (address, master_key))

struct key {
    std::string name;                 // for log and metrics; unique
    std::string sha256;               // hex digest of the whole key; `penstock key new` prints both
    std::string tenant;               // empty: the key's name
    std::vector<std::string> models;  // empty: all
    std::vector<std::string> routes;  // canonical routes ("/v1/embeddings"); empty: all
    std::vector<std::string> classes{"realtime", "bulk"};
    std::uint32_t max_tokens = 0;  // hard cap of an answer; 0: none but the model's
    bool operator==(const key&) const = default;
};
BOOST_DESCRIBE_STRUCT(key, (), (name, sha256, tenant, models, routes, classes, max_tokens))

// Whom a class serves first, and whom it drops when `pending` wait already: the newcomer, or the
// one that has waited longest.
enum class discipline { deadline, drop_oldest };
BOOST_DESCRIBE_ENUM(discipline, deadline, drop_oldest)

// Counts are per model.
struct class_limits {
    duration ttft = std::chrono::seconds(2);        // target of the first token, from arrival
    duration tpot = std::chrono::milliseconds(80);  // target per output token; 0: none
    std::uint32_t concurrency = 512;                // in flight at most
    std::uint32_t pending = 256;                    // waiting at most
    duration timeout = std::chrono::seconds(10);    // waiting at most
    settings::discipline discipline = discipline::deadline;
    double floor = 0;  // share of all tokens that it gets whatever the other class wants
    bool operator==(const class_limits&) const = default;
};
BOOST_DESCRIBE_STRUCT(
    class_limits, (), (ttft, tpot, concurrency, pending, timeout, discipline, floor)
)

struct classes {
    class_limits realtime;
    class_limits bulk{
        .ttft = std::chrono::minutes(2),
        .tpot = {},
        .pending = 2000,
        .timeout = std::chrono::minutes(10),
        .floor = 0.1
    };
    bool operator==(const classes&) const = default;
};
BOOST_DESCRIBE_STRUCT(classes, (), (realtime, bulk))

struct tls_upstream {
    std::string ca;           // PEM file; empty: the system's
    bool verify = true;       // certificate and host name
    std::string certificate;  // client certificate, PEM file
    std::string key;          // of it, PEM: {file: PATH} or ${NAME}
    bool operator==(const tls_upstream&) const = default;
};
BOOST_DESCRIBE_STRUCT(tls_upstream, (), (ca, verify, certificate, key))

struct warmup {
    std::string path = "/v1/completions";  // POSTed to a replica that starts or comes back
    std::string body;                      // empty: no warm-up
    duration timeout = std::chrono::seconds(60);
    bool operator==(const warmup&) const = default;
};
BOOST_DESCRIBE_STRUCT(warmup, (), (path, body, timeout))

// A bundled worker that the gateway starts, watches and stops: penstock-worker on a Unix socket.
struct bundled_worker {
    std::string model;                    // folder of a Hugging Face checkpoint
    std::string device = "auto";          // auto | cpu; auto: what is there, at present cpu
    std::uint32_t threads = 0;            // of the CPU backend; 0: one a core
    std::uint32_t text_threads = 1;       // that read long prompts
    std::uint32_t max_batch = 64;         // sequences in one step
    std::uint32_t max_step_tokens = 512;  // of prompts and answers together in one step
    std::uint32_t max_positions = 0;      // tokens of one prompt and its answer; 0: the model's
    std::uint32_t max_waiting = 256;      // generations of each class; more are refused
    std::uint32_t max_choices = 16;       // answers of one request
    std::uint64_t kv_memory = 1024 * 1024 * 1024;      // bytes for keys and values
    bool prefix_cache = true;                          // what was computed of a prompt is kept
    double bulk_reserve = 0.1;                         // of slots and memory: not for bulk
    duration max_bulk_age = std::chrono::seconds(10);  // then bulk counts as realtime
    bool operator==(const bundled_worker&) const = default;
};
BOOST_DESCRIBE_STRUCT(
    bundled_worker,
    (),
    (model,
     device,
     threads,
     text_threads,
     max_batch,
     max_step_tokens,
     max_positions,
     max_waiting,
     max_choices,
     kv_memory,
     prefix_cache,
     bulk_reserve,
     max_bulk_age)
)

// Cordoned and drained replicas get no new request; the admin API may say otherwise later.
enum class replica_word { ready, cordoned, drained };
BOOST_DESCRIBE_ENUM(replica_word, ready, cordoned, drained)

// Written as a bare URL or as this mapping, which has either `url` or `worker`.
struct replica {
    std::string url;  // http://, https:// or unix:PATH
    std::optional<bundled_worker> worker;
    std::string id;            // empty: host:port, or the worker's folder; unique in its pool
    std::string api_key;       // sent as Authorization: Bearer
    std::uint32_t slots = 64;  // requests in flight at most; a worker's, unless written: max_batch
    std::uint64_t kv_tokens = 0;  // whose keys and values fit in its memory; 0: not known
    replica_word state = replica_word::ready;
    std::string upstream_model;       // empty: the pool's
    std::vector<std::string> serves;  // canonical routes; empty: all
    std::optional<tls_upstream> tls;  // of https
    bool operator==(const replica&) const = default;
};
BOOST_DESCRIBE_STRUCT(
    replica, (), (url, worker, id, api_key, slots, kv_tokens, state, upstream_model, serves, tls)
)

struct pool {
    std::uint32_t context = 0;     // tokens of prompt and answer; 0: not limited
    std::uint32_t max_tokens = 0;  // hard cap of an answer; 0: none but the model's
    // Who may use it; for others it does not exist. Empty: all.
    std::vector<std::string> classes;
    std::vector<std::string> tenants;
    std::string upstream_model;  // empty: the version's
    std::vector<replica> replicas;
    bool operator==(const pool&) const = default;
};
BOOST_DESCRIBE_STRUCT(pool, (), (context, max_tokens, classes, tenants, upstream_model, replicas))

struct version {
    std::string upstream_model;           // empty: the model's
    std::map<std::string, pool> pools;    // in the order written: see `pool_order`
    std::vector<std::string> pool_order;  // not a key: filled by the loader
    bool operator==(const version&) const = default;
};
BOOST_DESCRIBE_STRUCT(version, (), (upstream_model, pools))

enum class over_cap { clamp, refuse };
BOOST_DESCRIBE_ENUM(over_cap, clamp, refuse)

// `replicas:` or `pools:` right under the model is short for one version "default" with one pool
// "default", or with these pools.
struct model {
    std::vector<std::string> aliases;
    std::string upstream_model;    // empty: the model's own name
    std::uint32_t max_tokens = 0;  // hard cap, and the default when a client says nothing; 0: none
    settings::over_cap over_cap = over_cap::clamp;
    std::vector<std::string> fallbacks;  // models that take over, in order; theirs are not followed
    std::optional<settings::warmup> warmup;
    std::uint32_t context = 0;            // of the short form's only pool
    std::vector<replica> replicas;        // short form; empty once loaded
    std::map<std::string, pool> pools;    // short form; empty once loaded
    std::vector<std::string> pool_order;  // not a key: of `pools`
    std::map<std::string, version> versions;
    bool operator==(const model&) const = default;
};
BOOST_DESCRIBE_STRUCT(
    model,
    (),
    (aliases,
     upstream_model,
     max_tokens,
     over_cap,
     fallbacks,
     warmup,
     context,
     replicas,
     pools,
     versions)
)

struct timeouts {
    duration connect = std::chrono::seconds(1);
    duration first_byte = std::chrono::seconds(60);  // streams only, from dispatch
    duration between_bytes = std::chrono::seconds(30);
    duration total = std::chrono::minutes(10);
    duration drain = std::chrono::seconds(30);  // after SIGTERM, until streams are cut
    duration head = std::chrono::seconds(10);   // a request head, from its first byte
    duration body = std::chrono::seconds(60);   // a request body
    duration idle = std::chrono::seconds(75);   // a kept-alive client connection
    duration upstream_idle =
        std::chrono::seconds(30);  // kept alive upstream; below the engines' own
    duration client_stall = std::chrono::seconds(60);  // a client that takes no byte of its answer
    duration keepalive_after =
        std::chrono::seconds(10);  // SSE comments until the first event; 0: none
    bool operator==(const timeouts&) const = default;
};
BOOST_DESCRIBE_STRUCT(
    timeouts,
    (),
    (connect,
     first_byte,
     between_bytes,
     total,
     drain,
     head,
     body,
     idle,
     upstream_idle,
     client_stall,
     keepalive_after)
)

struct limits {
    std::uint64_t head = 16 * 1024;   // bytes
    std::uint64_t target = 8 * 1024;  // bytes of a request's URL
    std::uint32_t headers = 128;
    std::uint64_t body = 32 * 1024 * 1024;      // bytes
    std::uint64_t bodies = 1024 * 1024 * 1024;  // bytes of all bodies held at once
    std::uint32_t connections = 50'000;         // clients; clamped to (RLIMIT_NOFILE − 256) / 2
    std::uint32_t json_depth = 64;
    std::uint64_t event = 1024 * 1024;  // bytes of one SSE event that is looked into
    std::uint32_t upstream_idle = 64;   // kept-alive connections per replica and thread
    // Of each: tenants' usual lengths of answers, and conversations, that are remembered.
    std::uint32_t learned = 65'536;
    bool operator==(const limits&) const = default;
};
BOOST_DESCRIBE_STRUCT(
    limits,
    (),
    (head, target, headers, body, bodies, connections, json_depth, event, upstream_idle, learned)
)

struct retry {
    double budget = 0.1;         // retries per request, refilled by each; 10% of them
    std::uint32_t attempts = 2;  // tries of one request, the first included
    bool operator==(const retry&) const = default;
};
BOOST_DESCRIBE_STRUCT(retry, (), (budget, attempts))

struct breaker {
    std::uint32_t failures = 5;  // consecutive
    duration open_for = std::chrono::seconds(5);
    bool operator==(const breaker&) const = default;
};
BOOST_DESCRIBE_STRUCT(breaker, (), (failures, open_for))

struct outlier {
    double failure_rate = 0.5;
    std::uint32_t min_requests = 20;
    duration window = std::chrono::seconds(30);
    duration eject_for = std::chrono::seconds(30);
    bool operator==(const outlier&) const = default;
};
BOOST_DESCRIBE_STRUCT(outlier, (), (failure_rate, min_requests, window, eject_for))

// Asking engines for their own figures. They correct what the gateway counts and gate nothing.
struct scrape {
    duration every = std::chrono::seconds(1);  // 0: not at all
    std::string path = "/metrics";             // Prometheus text
    duration timeout = std::chrono::milliseconds(500);
    bool operator==(const scrape&) const = default;
};
BOOST_DESCRIBE_STRUCT(scrape, (), (every, path, timeout))

struct health {
    std::string path = "/health";  // or /v1/models, whose max_model_len is compared with `context`
    duration every = std::chrono::seconds(5);
    duration timeout = std::chrono::seconds(2);
    duration slow_start = std::chrono::seconds(10);  // a returning replica's slots grow over this
    settings::breaker breaker;
    settings::outlier outlier;
    settings::scrape scrape;
    bool operator==(const health&) const = default;
};
BOOST_DESCRIBE_STRUCT(health, (), (path, every, timeout, slow_start, breaker, outlier, scrape))

struct backoff {
    duration first = std::chrono::milliseconds(500);  // doubled with each death in a row
    duration most = std::chrono::seconds(30);
    duration reset_after = std::chrono::minutes(1);  // ready for so long: begins at `first` again
    bool operator==(const backoff&) const = default;
};
BOOST_DESCRIBE_STRUCT(backoff, (), (first, most, reset_after))

// What all bundled workers have in common.
struct worker {
    std::string program;  // empty: penstock-worker beside this program
    settings::backoff restart;
    duration start = std::chrono::minutes(10);  // until ready; then killed and tried again
    duration stop = std::chrono::seconds(10);   // after SIGTERM, until killed
    std::uint64_t log_line = 8 * 1024;          // bytes of one line of its output; then cut
    bool operator==(const worker&) const = default;
};
BOOST_DESCRIBE_STRUCT(worker, (), (program, restart, start, stop, log_line))

enum class log_level { debug, info, warn, error };
BOOST_DESCRIBE_ENUM(log_level, debug, info, warn, error)

struct log {
    log_level level = log_level::info;
    std::string requests = "-";  // file of the request lines; "-": standard output; "": none
    bool operator==(const log&) const = default;
};
BOOST_DESCRIBE_STRUCT(log, (), (level, requests))

enum class litellm_status { current, v1_81 };  // written `current` or `"1.81"`
BOOST_DESCRIBE_ENUM(litellm_status, current, v1_81)

struct compat {
    settings::litellm_status litellm_status = litellm_status::current;
    bool operator==(const compat&) const = default;
};
BOOST_DESCRIBE_STRUCT(compat, (), (litellm_status))

enum class expose_headers { all, none };
BOOST_DESCRIBE_ENUM(expose_headers, all, none)

struct root {
    std::vector<settings::listen> listen{settings::listen{}};
    settings::admin admin;
    std::vector<key> keys;
    settings::classes classes;
    std::map<std::string, model> models;
    settings::timeouts timeouts;
    settings::limits limits;
    settings::retry retry;
    settings::health health;
    settings::worker worker;
    settings::log log;
    settings::compat compat;
    settings::expose_headers expose_headers = expose_headers::all;
    std::uint32_t threads = 0;  // event loops; 0: one per core
    bool operator==(const root&) const = default;
};
BOOST_DESCRIBE_STRUCT(
    root,
    (),
    (listen,
     admin,
     keys,
     classes,
     models,
     timeouts,
     limits,
     retry,
     health,
     worker,
     log,
     compat,
     expose_headers,
     threads)
)

}  // namespace penstock::settings
