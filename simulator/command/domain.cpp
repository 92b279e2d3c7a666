// The domain of one model as the settings describe it.
#include "simulator/command/domain.hpp"

namespace penstock::simulator {

domain_spec domain_of(const std::string& name, const settings::root& s) {
    domain_spec spec;
    spec.id = name;
    const settings::class_limits* classes[] = {&s.classes.realtime, &s.classes.bulk};
    for (std::size_t i = 0; i < num_classes; ++i) {
        spec.classes[i].pending = classes[i]->pending;
        spec.classes[i].timeout = classes[i]->timeout;
    }
    spec.breaker = {.failures = s.health.breaker.failures, .open_for = s.health.breaker.open_for};
    spec.outlier = {
        .failure_rate = s.health.outlier.failure_rate,
        .min_requests = s.health.outlier.min_requests,
        .window = s.health.outlier.window,
        .eject_for = s.health.outlier.eject_for
    };
    spec.slow_start = s.health.slow_start;
    const auto& versions = s.models.at(name).versions;
    if (versions.empty()) return spec;
    const auto& [version_name, version] = *versions.begin();
    for (const std::string& pool_name : version.pool_order) {
        const settings::pool& pool = version.pools.at(pool_name);
        pool_spec& p = spec.pools.emplace_back();
        p.id = name + "/" + version_name + "/" + pool_name;
        p.context = pool.context;
        for (const settings::replica& replica : pool.replicas) {
            replica_spec& r = p.replicas.emplace_back();
            r.id = p.id + "/" + replica.id;
            r.slots = replica.slots;
        }
    }
    return spec;
}

}  // namespace penstock::simulator
