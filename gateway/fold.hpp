// Settings and live parts become one snapshot.
#pragma once

#include "gateway/settings/settings.hpp"
#include "gateway/snapshot.hpp"
#include "gateway/upstreams/registry.hpp"
#include "gateway/workers/worker_places.hpp"

#include <memory>

namespace penstock::gateway {

// Tells every domain its new spec. Fails, and has then changed nothing that a request could notice,
// when a certificate, key or CA cannot be used, or when there is no program or no place for a
// bundled worker.
result<std::shared_ptr<snapshot>> fold(
    const settings::root& settings,
    std::uint64_t generation,
    registry& live,
    worker_places& places,
    time_point now
);

}  // namespace penstock::gateway
