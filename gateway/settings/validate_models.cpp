// Models, versions, pools and replicas, in their long form and in both short ones.
#include "gateway/settings/address.hpp"
#include "gateway/settings/pem.hpp"
#include "gateway/settings/resolve.hpp"
#include "gateway/settings/validate.hpp"
#include "penstock/contracts/work.hpp"

#include <algorithm>
#include <map>

namespace penstock::settings {

namespace {

constexpr std::string_view model_characters = "/:";
constexpr std::string_view replica_characters = "/:[]";
constexpr std::size_t max_fallbacks = 8;

bool has_control(std::string_view text) {
    for (const char c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return true;
    return false;
}

bool is_reserved(const pool& of) {
    return !of.classes.empty() || !of.tenants.empty();
}

// 0 is no limit.
bool is_smaller(std::uint32_t context, std::uint32_t than) {
    return context != 0 && (than == 0 || context < than);
}

class model_validator {
 public:
    model_validator(const std::vector<key>& keys, const load_options& options, findings& out)
        : keys_(keys), options_(options), out_(out) {}

    void check(const std::string& name, const model& of);

 private:
    void check_shape(const model& of, const std::string& path);
    void check_warmup(const model& of, const std::string& path);
    void check_pools(
        const std::map<std::string, pool>& pools,
        const std::vector<std::string>& order,
        const std::string& path
    );
    void check_reservation(const pool& of, const std::string& path);
    void check_replicas(const std::vector<replica>& replicas, const std::string& path);
    void check_replica(const replica& of, const std::string& path);
    void check_url(const replica& of, const std::string& path);
    void check_client_tls(const tls_upstream& tls, const std::string& path);
    void check_upstream_model(const std::string& name, const std::string& path);

    const std::vector<key>& keys_;
    const load_options& options_;
    findings& out_;
};

void model_validator::check(const std::string& name, const model& of) {
    const std::string path = "models." + name;
    if (!is_id(name, model_characters))
        out_.fault(path, "must be named with 1 to 128 letters, digits, `.`, `_`, `-`, `/` or `:`");
    check_upstream_model(of.upstream_model, path);
    check_shape(of, path);
    check_warmup(of, path);
    if (!of.replicas.empty()) check_replicas(of.replicas, path + ".replicas");
    if (!of.pools.empty()) check_pools(of.pools, of.pool_order, path + ".pools");
    std::size_t num_versions = 0;
    for (const auto& [version_name, version] : of.versions) {
        const std::string at = path + ".versions." + version_name;
        if (!is_id(version_name))
            out_.fault(at, "must be named with 1 to 128 letters, digits, `.`, `_` or `-`");
        if (++num_versions > 1)
            out_.fault(
                at,
                "more than one version is not enforced by this version of the gateway; refused "
                "rather than ignored"
            );
        check_upstream_model(version.upstream_model, at);
        check_pools(version.pools, version.pool_order, at + ".pools");
    }
}

// Exactly one of the three ways to name replicas.
void model_validator::check_shape(const model& of, const std::string& path) {
    for (const char* member : {".replicas", ".pools", ".versions"})
        if (out_.was_misread(path + member)) return;
    const int ways =
        (of.replicas.empty() ? 0 : 1) + (of.pools.empty() ? 0 : 1) + (of.versions.empty() ? 0 : 1);
    if (ways == 0) out_.fault(path, "must have `replicas`, `pools` or `versions`");
    if (ways > 1) out_.fault(path, "must have only one of `replicas`, `pools` and `versions`");
    if (of.context != 0 && of.replicas.empty())
        out_.fault(path + ".context", "belongs to `replicas`; each of `pools` has its own");
}

void model_validator::check_warmup(const model& of, const std::string& path) {
    if (of.warmup && !of.warmup->path.starts_with('/'))
        out_.fault(path + ".warmup.path", "must be a path that begins with `/`");
}

void model_validator::check_pools(
    const std::map<std::string, pool>& pools,
    const std::vector<std::string>& order,
    const std::string& path
) {
    if (pools.empty()) out_.fault(path, "must name at least one pool");
    if (pools.size() > max_pools)
        out_.fault(path, "must name at most " + std::to_string(max_pools) + " pools");
    const pool* before = nullptr;
    for (const std::string& name : order) {
        const pool& each = pools.at(name);
        const std::string at = path + '.' + name;
        if (!is_id(name))
            out_.fault(at, "must be named with 1 to 128 letters, digits, `.`, `_` or `-`");
        check_upstream_model(each.upstream_model, at);
        if (each.replicas.empty()) out_.fault(at + ".replicas", "must name at least one replica");
        check_replicas(each.replicas, at + ".replicas");
        check_reservation(each, at);
        if (before && before->context == 0 && !is_reserved(*before))
            out_.fault(at, "can never be used: the pool before it has no limit of `context`");
        else if (before && is_smaller(each.context, before->context))
            out_.fault(
                at + ".context", "must not be below that of the pool before it: smallest first"
            );
        before = &each;
    }
}

// For whom a pool is kept must exist, or the pool would stand idle.
void model_validator::check_reservation(const pool& of, const std::string& path) {
    validate_classes(of.classes, path + ".classes", out_);
    if (out_.was_misread("keys")) return;
    for (std::size_t i = 0; i < of.tenants.size(); ++i) {
        const auto is_its = [&](const key& each) {
            return of.tenants[i] == (each.tenant.empty() ? each.name : each.tenant);
        };
        if (std::none_of(keys_.begin(), keys_.end(), is_its))
            out_.fault(path + ".tenants[" + std::to_string(i) + ']', "is the tenant of no key");
    }
}

void model_validator::check_replicas(
    const std::vector<replica>& replicas, const std::string& path
) {
    std::map<std::string, std::string> ids;
    for (std::size_t i = 0; i < replicas.size(); ++i) {
        const std::string at = path + '[' + std::to_string(i) + ']';
        check_replica(replicas[i], at);
        const bool named = !replicas[i].id.empty();
        const std::string id = named ? replicas[i].id : default_id(replicas[i]);
        const auto [first, fresh] = ids.emplace(id, at);
        if (!fresh && !id.empty())
            out_.fault(
                at + (named                ? ".id"
                      : replicas[i].worker ? ".worker"
                                           : ".url"),
                "is the id of " + first->second + " too; give each replica its own `id`"
            );
    }
}

void model_validator::check_replica(const replica& of, const std::string& path) {
    if (!of.id.empty() && !is_id(of.id, replica_characters))
        out_.fault(
            path + ".id", "must be 1 to 128 letters, digits, `.`, `_`, `-`, `/`, `:`, `[` or `]`"
        );
    check_upstream_model(of.upstream_model, path);
    validate_routes(of.serves, path + ".serves", options_, out_);
    if (!is_one_word(of.api_key))
        out_.fault(path + ".api_key", "must be printable ASCII without spaces");
    if (out_.was_misread(path + ".url") || out_.was_misread(path + ".worker")) return;
    if (!of.worker) {
        if (of.url.empty()) return out_.fault(path, "must have `url` or `worker`");
        return check_url(of, path);
    }
    if (!of.url.empty()) out_.fault(path, "must have only one of `url` and `worker`");
    if (!of.api_key.empty()) out_.fault(path + ".api_key", "is of URLs only");
    if (of.tls) out_.fault(path + ".tls", "is of https URLs only");
    if (of.slots > of.worker->max_batch && out_.was_written(path + ".slots"))
        out_.warn(
            path + ".slots", "above worker.max_batch: what is beyond waits inside the worker"
        );
    validate_worker(*of.worker, path + ".worker", out_);
}

void model_validator::check_url(const replica& of, const std::string& path) {
    const auto parsed = parse_upstream(of.url);
    if (!parsed) return out_.fault(path + ".url", parsed.error());
    if (!of.tls) return;
    if (!parsed.value().tls) out_.fault(path + ".tls", "is of https URLs only");
    check_client_tls(*of.tls, path + ".tls");
    if (!of.tls->verify)
        out_.warn(path + ".tls.verify", "false: whoever answers is taken for the replica");
}

void model_validator::check_client_tls(const tls_upstream& tls, const std::string& path) {
    const auto check_file = [&](const std::string& file, const std::string& at) {
        if (file.empty()) return;
        if (const std::string fault = certificate_fault(file); !fault.empty())
            out_.fault(at, fault);
    };
    check_file(tls.ca, path + ".ca");
    check_file(tls.certificate, path + ".certificate");
    if (tls.certificate.empty() != tls.key.empty())
        return out_.fault(path, "must have both `certificate` and `key`, or neither");
    if (tls.key.empty()) return;
    if (const std::string fault = private_key_fault(tls.key); !fault.empty())
        out_.fault(path + ".key", fault);
    else if (const std::string odd = pair_fault(tls.certificate, tls.key); !odd.empty())
        out_.fault(path + ".key", odd);
}

void model_validator::check_upstream_model(const std::string& name, const std::string& path) {
    if (name.size() > 1024 || has_control(name))
        out_.fault(path + ".upstream_model", "must be at most 1024 bytes, none of them control");
}

void check_aliases(const std::map<std::string, model>& models, findings& out) {
    std::map<std::string, std::string> owners;
    for (const auto& [name, model] : models)
        for (std::size_t i = 0; i < model.aliases.size(); ++i) {
            const std::string& alias = model.aliases[i];
            const std::string path = "models." + name + ".aliases[" + std::to_string(i) + ']';
            if (!is_id(alias, model_characters))
                out.fault(path, "must be 1 to 128 letters, digits, `.`, `_`, `-`, `/` or `:`");
            if (models.contains(alias)) out.fault(path, "is the name of a model");
            const auto [first, fresh] = owners.emplace(alias, path);
            if (!fresh) out.fault(path, "is the same as " + first->second);
        }
}

// Models that take a request over: by name, as keys name theirs.
void check_fallbacks(const std::map<std::string, model>& models, findings& out) {
    for (const auto& [name, model] : models) {
        const std::string list = "models." + name + ".fallbacks";
        if (model.fallbacks.size() > max_fallbacks)
            out.fault(list, "must name at most " + std::to_string(max_fallbacks) + " models");
        std::map<std::string, std::string> seen;
        for (std::size_t i = 0; i < model.fallbacks.size(); ++i) {
            const std::string& each = model.fallbacks[i];
            const std::string path = list + '[' + std::to_string(i) + ']';
            if (each == name) out.fault(path, "is the model itself");
            if (!models.contains(each) && !out.was_misread("models." + each))
                out.fault(path, "is not a model" + alias_hint(models, each));
            const auto [first, fresh] = seen.emplace(each, path);
            if (!fresh) out.fault(path, "is the same as " + first->second);
        }
    }
}

}  // namespace

std::string alias_hint(const std::map<std::string, model>& models, const std::string& alias) {
    for (const auto& [name, model] : models)
        if (std::count(model.aliases.begin(), model.aliases.end(), alias) > 0)
            return ", but an alias: name `" + name + "`";
    return {};
}

void validate_models(const root& settings, const load_options& options, findings& out) {
    if (settings.models.empty()) out.fault("models", "must name at least one model");
    model_validator validator(settings.keys, options, out);
    for (const auto& [name, model] : settings.models)
        validator.check(name, model);
    check_aliases(settings.models, out);
    if (!out.was_misread("models")) check_fallbacks(settings.models, out);
}

}  // namespace penstock::settings
