// The composition root: builds the parts in dependency order, starts, reloads, drains.
#pragma once

#include "gateway/settings/settings.hpp"
#include "gateway/shared_parts.hpp"
#include "gateway/snapshot.hpp"
#include "gateway/upstreams/prober.hpp"
#include "gateway/upstreams/registry.hpp"
#include "gateway/upstreams/telemetry.hpp"
#include "gateway/workers/worker_supervisor.hpp"

#include <condition_variable>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace penstock::gateway {

class worker_thread;

// Of this build.
const char* version() noexcept;

// The policy that a gateway runs with unless a test says otherwise.
make_admission default_admission();

class gateway {
 public:
    // `make`: what decides about admission, one for each model.
    explicit gateway(const settings::root& settings, make_admission make = default_admission());
    ~gateway();
    gateway(const gateway&) = delete;
    gateway& operator=(const gateway&) = delete;

    // Listens, then serves on its own threads. Fails when an address or a certificate cannot be
    // used.
    result<void> start();
    // Swaps the settings whole; on failure the old ones stay. Addresses and the number of threads
    // are read at the start only: a change of theirs is said in the log. Fails, too, when there are
    // no keys any more while a listener is open to other machines.
    result<void> reload(const settings::root& settings);
    // Readiness fails, listening stops, running requests go on; after `deadline` streams end with
    // an error event, and then bundled workers are stopped. Returns when nothing runs any more.
    void drain(duration deadline);

    // What would become of a request, by a question of `POST /admin/explain`, at a gateway that has
    // these settings and nothing to do: every replica that is not taken out is believed up. Listens
    // nowhere, asks nobody.
    static stage_result<std::string> explain_idle(
        settings::root settings, std::string_view question
    );

    // Every listener's address, as bound.
    const std::vector<std::string>& addresses() const noexcept { return addresses_; }
    void reopen_log();
    duration drain_time() const;

    // Prometheus text. Any thread.
    std::string expose_metrics() const;

 private:
    void drain_requests(duration deadline);
    void watch(const std::shared_ptr<const snapshot>& now);
    void probe_now(const std::string& replica);
    void publish(const std::shared_ptr<const snapshot>& next);
    result<void> listen();
    result<void> refuse_opening(const settings::root& settings) const;
    void resolve_names(const std::stop_token& stop);
    observe::scrape_input scrape() const;

    gate serving_;
    http::body_budget bodies_;
    limiter limits_;
    learned_shards learned_;
    loops loops_;
    worker_places places_;
    registry live_;
    observe::metrics metrics_;
    std::unique_ptr<observe::access_log> log_;
    shared_parts shared_;
    std::vector<std::unique_ptr<worker_thread>> workers_;
    std::unique_ptr<telemetry> telemetry_;
    std::unique_ptr<prober> prober_;
    std::vector<std::string> addresses_;
    mutable std::mutex mutex_;  // over current_
    std::shared_ptr<const snapshot> current_;
    std::uint64_t generation_ = 0;
    std::vector<std::thread> threads_;
    std::jthread resolver_;
    worker_supervisor supervisor_;
    side_thread side_;  // the first to end: what it runs may look at all of the others
};

}  // namespace penstock::gateway
