// What the path reads: settings and live parts, folded into one immutable value and swapped whole.
// Running requests keep the one that they began with.
#pragma once

#include "gateway/settings/settings.hpp"
#include "gateway/upstreams/domain.hpp"
#include "gateway/upstreams/upstream.hpp"
#include "penstock/http/server.hpp"
#include "policies/access/access.hpp"
#include "policies/length/cap.hpp"
#include "policies/length/pool_choice.hpp"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace penstock::gateway {

struct worker_place;

struct replica_entry {
    std::string id;  // "chat/v1/short/10.0.0.1:8000"
    replica_index index;
    upstream* where = nullptr;
    worker_place* worker = nullptr;           // of a bundled one
    std::vector<std::string> worker_command;  // of its program
    std::string upstream_model;               // what it calls the model
    std::string own_headers;                  // Host, Authorization, Accept-Encoding: whole lines
};

struct pool_entry {
    std::string id;
    pool_index index;
    std::uint32_t context = 0;
    std::uint32_t max_tokens = 0;  // cap of an answer; 0: none
    std::vector<replica_entry> replicas;
};

struct version_entry {
    std::string id;
    std::vector<pool_entry> pools;          // in order of context
    std::vector<length::pool_terms> terms;  // the same, as the policy reads them
};

struct model_entry {
    std::string name;
    std::uint64_t name_hash = 0;  // what is learned of it is kept by this
    model_index index;
    domain* admission = nullptr;
    std::uint32_t max_tokens = 0;
    length::over_cap over_cap = length::over_cap::clamp;
    std::vector<version_entry> versions;
    std::vector<std::uint32_t> serves;   // rows that at least one replica serves
    std::vector<model_index> fallbacks;  // of the same snapshot, in order
};

struct key_entry {
    std::string name;
    std::string tenant;
    std::string label;       // short hash of the digest: for the log
    std::string cache_salt;  // of the tenant: its prompts share nothing with another's in a worker
    key_index index;
    tenant_index tenant_number;
    std::uint64_t tenant_hash = 0;  // what is learned of it is kept by this
    std::uint32_t max_tokens = 0;   // cap of an answer; 0: none
    access::rights rights;
};

using key_digest = std::array<unsigned char, 32>;

// Looks names up without making a string of them.
struct name_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const noexcept {
        return std::hash<std::string_view>{}(name);
    }
};

struct digest_hash {
    std::size_t operator()(const key_digest& d) const noexcept;  // digests are random already
};

struct snapshot {
    std::uint64_t generation = 0;
    std::string config_hash;
    settings::root settings;
    http::server_options server;
    std::vector<model_entry> models;
    std::unordered_map<std::string, model_index, name_hash, std::equal_to<>>
        model_names;  // aliases too
    std::unordered_map<key_digest, key_entry, digest_hash> keys;
    key_entry anonymous;  // who is asking when there are no keys
    key_entry master;     // who is asking under /admin
    std::optional<key_digest> master_key;
    std::vector<std::shared_ptr<const io::tls_context>>
        listen_tls;  // by entry of `listen`; null: plain

    const model_entry* find_model(std::string_view name) const;
    const settings::class_limits& limits_of(request_class klass) const noexcept {
        return klass == request_class::bulk ? settings.classes.bulk : settings.classes.realtime;
    }
    bool asks_for_keys() const noexcept { return !keys.empty(); }
};

// A replica, and what stands above it.
struct replica_place {
    const model_entry* model = nullptr;
    const version_entry* version = nullptr;
    const pool_entry* pool = nullptr;
    const replica_entry* replica = nullptr;
    explicit operator bool() const noexcept { return replica != nullptr; }
};

template <class Each>
void for_each_replica(const model_entry& model, Each each) {
    for (const auto& version : model.versions)
        for (const auto& pool : version.pools)
            for (const auto& replica : pool.replicas)
                each(replica_place{&model, &version, &pool, &replica});
}
template <class Each>
void for_each_replica(const snapshot& s, Each each) {
    for (const auto& model : s.models)
        for_each_replica(model, each);
}

// By its id; nothing when it is not there.
replica_place find_replica(const snapshot& s, std::string_view id);
// A replica of `model` by its domain's number; nothing when it is gone.
replica_place find_replica(const model_entry& model, replica_index which);

}  // namespace penstock::gateway
