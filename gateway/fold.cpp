// Settings and live parts become one snapshot.
#include "gateway/fold.hpp"

#include "gateway/endpoints.hpp"
#include "gateway/settings/domain.hpp"
#include "gateway/settings/keys.hpp"
#include "gateway/settings/print.hpp"
#include "gateway/workers/worker_launch.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace penstock::gateway {
namespace {

std::uint32_t row_of(std::string_view route) {
    const auto routes = canonical_routes();
    return static_cast<std::uint32_t>(
        std::find(routes.begin(), routes.end(), route) - routes.begin()
    );
}

std::string first_of(std::initializer_list<std::string_view> names) {
    for (const auto name : names)
        if (!name.empty()) return std::string(name);
    return {};
}

// ── models ──────────────────────────────────────────────────────────────────────────────────────

// What has its own life beside the settings.
struct live_parts {
    registry& upstreams;
    worker_places& workers;
};

// A bundled worker is an upstream like any other, at a socket that we chose.
result<void> fold_worker(
    replica_entry& entry,
    settings::replica& replica,
    const settings::root& settings,
    const live_parts& live
) {
    if (!replica.worker) return success();
    TRY(const std::string program, worker_program(settings.worker));
    TRY(entry.worker, live.workers.of(entry.id));
    const worker_launch launch{
        .program = program,
        .served_name = entry.upstream_model,
        .socket = entry.worker->socket,
        .num_loops = live.upstreams.num_loops()
    };
    entry.worker_command = worker_command(launch, *replica.worker, settings.limits);
    replica.url = "unix:" + launch.socket;
    return success();
}

result<replica_entry> fold_replica(
    settings::replica replica,
    const std::string& pool_id,
    const std::string& upstream_model,
    const settings::root& settings,
    const live_parts& live
) {
    replica_entry entry;
    entry.id = pool_id + "/" + replica.id;
    entry.upstream_model = upstream_model;
    CHECK(fold_worker(entry, replica, settings, live));
    TRY(entry.where, live.upstreams.upstream_for(replica, settings));
    entry.own_headers = "Host: " + entry.where->host_header() + "\r\n";
    if (!replica.api_key.empty())
        entry.own_headers += "Authorization: Bearer " + replica.api_key + "\r\n";
    entry.own_headers += "Accept-Encoding: identity\r\n";
    return entry;
}

std::uint64_t offers_of(const settings::replica& replica) {
    if (replica.serves.empty()) return ~std::uint64_t{0};
    std::uint64_t bits = 0;
    for (const auto& route : replica.serves)
        bits |= std::uint64_t{1} << row_of(route);
    return bits;
}

// The spec has the shape of the entry: pools in order of version, then context.
struct folded_model {
    model_entry entry;
    domain_spec spec;
    domain::replica_words words;
};

operator_word fold_word(settings::replica_word word) {
    return static_cast<operator_word>(word);  // in the same order
}

result<folded_model> fold_model(
    const std::string& name,
    const settings::model& model,
    const settings::root& settings,
    const live_parts& live
) {
    folded_model folded{.spec = settings::domain_without_pools(name, settings)};
    model_entry& entry = folded.entry;
    entry.name = name;
    entry.name_hash = openai::hash_of(name);
    entry.max_tokens = model.max_tokens;
    entry.over_cap = model.over_cap == settings::over_cap::refuse ? length::over_cap::refuse
                                                                  : length::over_cap::clamp;
    std::uint64_t offered = 0;
    for (const auto& [version_name, version] : model.versions) {
        version_entry& v = entry.versions.emplace_back();
        v.id = name + "/" + version_name;
        for (const auto& pool_name : version.pool_order) {
            const settings::pool& pool = version.pools.at(pool_name);
            pool_entry& p = v.pools.emplace_back();
            p.id = v.id + "/" + pool_name;
            p.context = pool.context;
            p.max_tokens = pool.max_tokens;
            pool_spec& spec = folded.spec.pools.emplace_back();
            spec.id = p.id;
            spec.context = pool.context;
            auto& words = folded.words.emplace_back();
            for (const auto& replica : pool.replicas) {
                const std::string calls_it = first_of(
                    {replica.upstream_model,
                     pool.upstream_model,
                     version.upstream_model,
                     model.upstream_model,
                     name}
                );
                TRY(replica_entry r, fold_replica(replica, p.id, calls_it, settings, live));
                spec.replicas.push_back(
                    {.id = r.id,
                     .slots = replica.slots,
                     .offers = offers_of(replica),
                     .needs_warmup =
                         replica.worker || (model.warmup && !model.warmup->body.empty()),
                     .kv_tokens = replica.kv_tokens}
                );
                words.push_back(fold_word(replica.state));
                offered |= spec.replicas.back().offers;
                p.replicas.push_back(std::move(r));
            }
        }
    }
    for (std::uint32_t row = 0; row < endpoints().size(); ++row)
        if (!endpoints()[row].local && (offered >> row & 1)) entry.serves.push_back(row);
    return folded;
}

// Numbers of pools and replicas are the domain's.
void tell_domain(
    folded_model& folded, const settings::root& settings, registry& live, time_point now
) {
    domain& admission = live.domain_for(folded.entry.name);
    const auto numbers = admission.settings_changed(
        folded.spec, {.ratio = settings.retry.budget}, now, folded.words
    );
    folded.entry.admission = &admission;
    std::size_t at = 0;
    for (auto& version : folded.entry.versions) {
        for (auto& pool : version.pools) {
            pool.index = numbers.pools[at];
            for (std::size_t r = 0; r < pool.replicas.size(); ++r)
                pool.replicas[r].index = numbers.replicas[at][r];
            ++at;
        }
    }
}

// By name, of the settings in force.
using tenant_numbers = std::unordered_map<std::string, tenant_index>;

tenant_numbers number_tenants(const settings::root& settings) {
    tenant_numbers numbers;
    for (const settings::key& key : settings.keys)
        numbers.try_emplace(key.tenant, tenant_index{static_cast<std::uint32_t>(numbers.size())});
    return numbers;
}

void add_classes(access::index_set& set, const std::vector<std::string>& classes) {
    for (const auto& klass : classes)
        set.add(klass == "bulk" ? 1 : 0);
}

// What each pool takes, once its number is known.
void fold_terms(model_entry& entry, const settings::model& model, const tenant_numbers& tenants) {
    std::size_t at = 0;
    for (const auto& [_, version] : model.versions) {
        version_entry& v = entry.versions[at++];
        for (std::size_t i = 0; i < v.pools.size(); ++i) {
            const settings::pool& pool = version.pools.at(version.pool_order[i]);
            auto& terms = v.terms.emplace_back();
            terms.pool = v.pools[i].index;
            terms.context = pool.context;
            terms.max_tokens = pool.max_tokens;
            add_classes(terms.classes, pool.classes);
            for (const auto& tenant : pool.tenants)
                terms.tenants.add(tenants.at(tenant).value);
        }
    }
}

// ── keys ────────────────────────────────────────────────────────────────────────────────────────

key_digest digest_in(const std::string& hex) {
    key_digest digest{};
    for (std::size_t i = 0; i < digest.size(); ++i)
        digest[i] = static_cast<unsigned char>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
    return digest;
}

void fold_keys(snapshot& s, const tenant_numbers& tenants) {
    for (std::uint32_t i = 0; i < s.settings.keys.size(); ++i) {
        const settings::key& key = s.settings.keys[i];
        key_entry entry;
        entry.name = key.name;
        entry.tenant = key.tenant;
        entry.label = key.sha256.substr(0, 8);
        entry.index = {i};
        entry.cache_salt = settings::sha256_hex(key.tenant);
        entry.tenant_number = tenants.at(key.tenant);
        entry.tenant_hash = openai::hash_of(key.tenant);
        entry.max_tokens = key.max_tokens;
        for (const auto& model : key.models)
            entry.rights.models.add(s.model_names.at(model).value);
        for (const auto& route : key.routes)
            entry.rights.routes.add(row_of(route));
        add_classes(entry.rights.classes, key.classes);
        s.keys.emplace(digest_in(key.sha256), std::move(entry));
    }
    if (!s.settings.admin.master_key.empty())
        s.master_key = digest_in(settings::sha256_hex(s.settings.admin.master_key));
    s.master = {.name = "master", .tenant = "master", .label = "", .index = {0}};
    s.anonymous = {.name = "anonymous", .tenant = "anonymous", .label = "", .index = {0}};
    s.anonymous.tenant_number = {0};
    s.anonymous.tenant_hash = openai::hash_of(s.anonymous.tenant);
}

http::server_options server_options_of(const settings::root& s) {
    return {
        .head = {s.limits.head, s.limits.target, s.limits.headers},
        .body_bytes = s.limits.body,
        .head_timeout = s.timeouts.head,
        .body_timeout = s.timeouts.body,
        .idle_timeout = s.timeouts.idle,
        .stall_timeout = s.timeouts.client_stall
    };
}

result<void> fold_listeners(snapshot& s) {
    for (const auto& each : s.settings.listen) {
        auto& tls = s.listen_tls.emplace_back();
        if (!each.tls) continue;
        auto made =
            io::tls_context::server({each.tls->certificate, each.tls->key, each.tls->client_ca});
        if (made.has_error()) return std::move(made).error();
        tls = std::move(made).value();
    }
    return success();
}

std::vector<const upstream*> upstreams_of(const snapshot& s) {
    std::vector<const upstream*> all;
    for (const auto& model : s.models)
        for (const auto& version : model.versions)
            for (const auto& pool : version.pools)
                for (const auto& replica : pool.replicas)
                    all.push_back(replica.where);
    return all;
}

}  // namespace

result<std::shared_ptr<snapshot>> fold(
    const settings::root& settings,
    std::uint64_t generation,
    registry& live,
    worker_places& places,
    time_point now
) {
    auto made = std::make_shared<snapshot>();
    snapshot& s = *made;
    s.generation = generation;
    s.config_hash = settings::digest(settings);
    s.settings = settings;
    s.server = server_options_of(settings);
    CHECK(fold_listeners(s));
    std::vector<folded_model> folded;
    std::vector<std::string> names;
    for (const auto& [name, model] : settings.models) {
        TRY(folded_model each, fold_model(name, model, settings, {live, places}));
        folded.push_back(std::move(each));
        names.push_back(name);
    }
    // From here on nothing fails.
    const tenant_numbers tenants = number_tenants(settings);
    for (auto& each : folded) {
        tell_domain(each, settings, live, now);
        fold_terms(each.entry, settings.models.at(each.entry.name), tenants);
        const model_index index{static_cast<std::uint32_t>(s.models.size())};
        each.entry.index = index;
        s.model_names[each.entry.name] = index;
        for (const auto& alias : settings.models.at(each.entry.name).aliases)
            s.model_names[alias] = index;
        s.models.push_back(std::move(each.entry));
    }
    for (model_entry& each : s.models)
        for (const auto& name : settings.models.at(each.name).fallbacks)
            each.fallbacks.push_back(s.model_names.at(name));
    live.drain_all_but(names, now);
    live.use_only(upstreams_of(s));
    fold_keys(s, tenants);
    return made;
}

}  // namespace penstock::gateway
