// The domain of one model as the settings describe it.
#include "simulator/command/domain.hpp"

#include "gateway/settings/domain.hpp"

namespace penstock::simulator {
domain_spec domain_of(const std::string& name, const settings::root& s) {
    domain_spec spec = settings::domain_without_pools(name, s);
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
