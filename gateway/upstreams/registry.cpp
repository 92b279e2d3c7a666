// Live parts by stable id.
#include "gateway/upstreams/registry.hpp"

#include "gateway/settings/keys.hpp"
#include "penstock/observe/log.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

namespace penstock::gateway {
namespace {

// Of a file that cannot be read: of nothing; making the context says what is wrong with it.
std::string digest_of_file(const std::string& file) {
    if (file.empty()) return {};
    std::ifstream in(file, std::ios::binary);
    return settings::sha256_hex(std::string(std::istreambuf_iterator<char>(in), {}));
}

// Two replicas share an upstream when nothing about connecting to them differs. Files count by what
// is in them: a renewed certificate keeps its name.
std::string identity_of(const settings::replica& replica) {
    std::string id = replica.url;
    if (replica.tls)
        for (const auto& part :
             {replica.tls->ca,
              digest_of_file(replica.tls->ca),
              replica.tls->certificate,
              digest_of_file(replica.tls->certificate),
              settings::sha256_hex(replica.tls->key),
              std::string(replica.tls->verify ? "verify" : "trust")})
            id += '\n' + part;
    return id;
}

result<std::shared_ptr<const io::tls_context>> tls_for(
    const settings::address& where, const settings::replica& replica
) {
    if (!where.tls) return std::shared_ptr<const io::tls_context>();
    io::tls_client_options options;
    if (replica.tls)
        options = {
            replica.tls->ca, replica.tls->verify, replica.tls->certificate, replica.tls->key
        };
    return io::tls_context::client(options);
}

void resolve(upstream& each) {
    if (!each.needs_resolving()) return;
    if (auto resolved = each.resolve(); resolved.has_error())
        observe::log::warning("upstream_not_resolved", {{"why", resolved.error().detail}});
}

}  // namespace

result<upstream*> registry::upstream_for(
    const settings::replica& replica, const settings::root& settings
) {
    const std::size_t idle_max = settings.limits.upstream_idle;
    const duration idle_for = settings.timeouts.upstream_idle;
    const std::string identity = identity_of(replica);
    std::unique_lock held(mutex_);
    if (const auto known = upstreams_.find(identity); known != upstreams_.end()) {
        entry& found = known->second;
        const bool was_used = std::exchange(found.is_used, true);
        held.unlock();  // what was made once stays
        found.made->configure(idle_max, idle_for);
        if (!was_used) resolve(*found.made);  // nobody has asked for its name since
        return found.made.get();
    }
    held.unlock();
    auto where = settings::parse_upstream(replica.url);
    if (where.has_error()) return error(errc::invalid_value, std::move(where).error());
    TRY(auto tls, tls_for(where.value(), replica));
    auto made = std::make_unique<upstream>(
        std::move(where).value(), std::move(tls), loops_, idle_max, idle_for
    );
    resolve(*made);
    held.lock();
    return (upstreams_[identity] = {std::move(made)}).made.get();
}

domain& registry::domain_for(const std::string& model) {
    auto& known = domains_[model];
    if (!known) known = std::make_unique<domain>(model, make_(), *loops_.front());
    return *known;
}

void registry::drain_all_but(const std::vector<std::string>& models, time_point now) {
    for (const auto& [id, each] : domains_)
        if (std::find(models.begin(), models.end(), id) == models.end())
            each->settings_changed(domain_spec{.id = id}, {}, now);
}

std::size_t registry::num_idle() const {
    const std::lock_guard held(mutex_);
    std::size_t sum = 0;
    for (const auto& [id, each] : upstreams_)
        sum += each.made->num_idle();
    return sum;
}

void registry::use_only(const std::vector<const upstream*>& used) {
    const std::lock_guard held(mutex_);
    for (auto& [id, each] : upstreams_)
        each.is_used = std::find(used.begin(), used.end(), each.made.get()) != used.end();
}

std::size_t registry::resolve_all() {
    std::vector<upstream*> all;
    {
        const std::lock_guard held(mutex_);
        for (const auto& [id, each] : upstreams_)
            if (each.is_used && each.made->needs_resolving()) all.push_back(each.made.get());
    }
    for (upstream* each : all)
        resolve(*each);
    return all.size();
}

}  // namespace penstock::gateway
