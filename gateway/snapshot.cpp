// Looking things up in a snapshot.
#include "gateway/snapshot.hpp"

#include <cstring>

namespace penstock::gateway {

std::size_t digest_hash::operator()(const key_digest& d) const noexcept {
    std::size_t hash = 0;
    std::memcpy(&hash, d.data(), sizeof hash);
    return hash;
}

const model_entry* snapshot::find_model(std::string_view name) const {
    const auto found = model_names.find(name);
    return found == model_names.end() ? nullptr : &models[found->second.value];
}

replica_place find_replica(const snapshot& s, std::string_view id) {
    replica_place found;
    for_each_replica(s, [&](const replica_place& each) {
        if (each.replica->id == id) found = each;
    });
    return found;
}

replica_place find_replica(const model_entry& model, replica_index which) {
    for (const auto& version : model.versions)
        for (const auto& pool : version.pools)
            for (const auto& replica : pool.replicas)
                if (replica.index == which) return {&model, &version, &pool, &replica};
    return {};
}

}  // namespace penstock::gateway
