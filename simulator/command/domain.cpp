// The domain of one model as the settings describe it.
#include "simulator/command/domain.hpp"

namespace penstock::simulator {
namespace {

class_settings class_of(const settings::class_limits& of) {
    return {
        .pending = of.pending,
        .timeout = of.timeout,
        .concurrency = of.concurrency,
        .ttft = of.ttft,
        .tpot = of.tpot,
        .floor = of.floor,
        .discipline = of.discipline == settings::discipline::drop_oldest
                          ? queue_discipline::drop_oldest
                          : queue_discipline::deadline
    };
}

}  // namespace

domain_spec domain_of(const std::string& name, const settings::root& s) {
    domain_spec spec;
    spec.id = name;
    spec.classes[0] = class_of(s.classes.realtime);
    spec.classes[1] = class_of(s.classes.bulk);
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
            r.kv_tokens = replica.kv_tokens;
        }
    }
    return spec;
}

}  // namespace penstock::simulator
