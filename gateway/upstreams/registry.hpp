// Live parts by stable id: domains by model, upstreams by address. What was made stays until all
// loops have stopped, so that counts, breakers and connections outlive any reload.
#pragma once

#include "gateway/settings/settings.hpp"
#include "gateway/upstreams/domain.hpp"
#include "gateway/upstreams/upstream.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace penstock::gateway {

using loops = std::vector<std::unique_ptr<io::loop>>;
using make_admission = std::function<std::unique_ptr<admission_policy>()>;

// Used by the thread that starts and reloads; the parts themselves may be used from any.
class registry {
 public:
    // Domains' timers run on the first loop.
    registry(const loops& all, make_admission make) : loops_(all), make_(std::move(make)) {}

    // Fails when the replica's TLS files cannot be used; they are read each time, and other bytes
    // in them make another upstream. A name is resolved before the first use; that it cannot be yet
    // is no failure.
    result<upstream*> upstream_for(
        const settings::replica& replica, const settings::root& settings
    );
    domain& domain_for(const std::string& model);
    // Each has connections of its own to every upstream.
    std::size_t num_loops() const noexcept { return loops_.size(); }

    // Domains whose model is no longer there drain.
    void drain_all_but(const std::vector<std::string>& models, time_point now);
    // From now on only these are resolved again. The others stay: running requests hold them.
    void use_only(const std::vector<const upstream*>& used);
    // Names of what the newest settings use; says how many it asked for. Blocks for the name
    // server: on its own thread.
    std::size_t resolve_all();
    // Upstream connections that wait for a request. Any thread.
    std::size_t num_idle() const;

 private:
    struct entry {
        std::unique_ptr<upstream> made;
        bool is_used = true;  // by the newest settings, or by those that are being folded
    };

    const loops& loops_;
    make_admission make_;
    mutable std::mutex mutex_;  // over upstreams_: the resolver walks them
    std::map<std::string, entry> upstreams_;
    std::map<std::string, std::unique_ptr<domain>> domains_;
};

}  // namespace penstock::gateway
