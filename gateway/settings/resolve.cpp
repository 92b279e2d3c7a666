// Inheritance of the model tree, and the short forms.
#include "gateway/settings/resolve.hpp"

#include "gateway/settings/address.hpp"
#include "gateway/settings/validate.hpp"

#include <algorithm>
#include <filesystem>

namespace penstock::settings {

namespace {

void inherit(std::string& own, const std::string& from) {
    if (own.empty()) own = from;
}

void expand_short_form(model& of) {
    if (!of.replicas.empty()) {
        pool only;
        only.context = of.context;
        only.replicas = std::move(of.replicas);
        of.pools.emplace("default", std::move(only));
        of.pool_order = {"default"};
    }
    if (!of.pools.empty()) {
        version& only = of.versions["default"];
        only.pools = std::move(of.pools);
        only.pool_order = std::move(of.pool_order);
    }
    of.context = 0;
    of.replicas.clear();
    of.pools.clear();
    of.pool_order.clear();
}

void resolve_replica(replica& of, const std::string& upstream_model) {
    inherit(of.upstream_model, upstream_model);
    inherit(of.id, default_id(of));
    if (of.url.ends_with('/') && !of.url.starts_with("unix:")) of.url.pop_back();
}

void resolve_model(const std::string& name, model& of) {
    expand_short_form(of);
    inherit(of.upstream_model, name);
    for (auto& [version_name, version] : of.versions) {
        inherit(version.upstream_model, of.upstream_model);
        for (auto& [pool_name, pool] : version.pools) {
            inherit(pool.upstream_model, version.upstream_model);
            for (replica& each : pool.replicas)
                resolve_replica(each, pool.upstream_model);
        }
    }
}

void spell(std::string& text) {
    if (const auto parsed = parse_listen(text)) text = to_text(parsed.value());
}

}  // namespace

namespace {

// Of a worker: the model's folder, and the device unless that is left to the worker.
std::string id_of_worker(const bundled_worker& of) {
    std::string id = std::filesystem::path(of.model).filename().string();
    if (id.empty()) id = std::filesystem::path(of.model).parent_path().filename().string();
    if (of.device != "auto") id += ':' + of.device;
    for (char& c : id)
        if (!is_id({&c, 1}, ":")) c = '_';
    return id;
}

void fit_slots(std::vector<replica>& replicas, const std::string& path, const findings& written) {
    for (std::size_t i = 0; i < replicas.size(); ++i) {
        replica& each = replicas[i];
        const std::string slots = path + ".replicas[" + std::to_string(i) + "].slots";
        if (each.worker && !written.was_written(slots)) each.slots = each.worker->max_batch;
    }
}

}  // namespace

void fit_slots_to_batches(root& settings, const findings& written) {
    for (auto& [name, model] : settings.models) {
        const std::string at = "models." + name;
        fit_slots(model.replicas, at, written);
        for (auto& [pool_name, pool] : model.pools)
            fit_slots(pool.replicas, at + ".pools." + pool_name, written);
        for (auto& [version_name, version] : model.versions)
            for (auto& [pool_name, pool] : version.pools)
                fit_slots(
                    pool.replicas, at + ".versions." + version_name + ".pools." + pool_name, written
                );
    }
}

std::string default_id(const replica& of) {
    if (of.worker) return id_of_worker(*of.worker);
    const auto parsed = parse_upstream(of.url);
    return parsed ? to_text(parsed.value()) : of.url;
}

void resolve(root& settings) {
    for (listen& each : settings.listen)
        spell(each.address);
    if (!settings.admin.address.empty()) spell(settings.admin.address);
    for (key& each : settings.keys) {
        inherit(each.tenant, each.name);
        std::transform(each.sha256.begin(), each.sha256.end(), each.sha256.begin(), [](char c) {
            return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
        });
    }
    for (auto& [name, model] : settings.models)
        resolve_model(name, model);
}

}  // namespace penstock::settings
