// The composition root.
#include "gateway/gateway.hpp"

#include "gateway/explain/explanation.hpp"
#include "gateway/fold.hpp"
#include "gateway/worker_thread.hpp"
#include "penstock/observe/log.hpp"
#include "policies/catalogue.hpp"

#include <algorithm>
#include <pthread.h>
#include <random>
#include <sys/resource.h>

namespace penstock::gateway {
namespace {

constexpr std::string_view admission_kind = policies::admission_policies.front().name;
constexpr std::string_view limiting_kind = "unlimited";
constexpr int backlog = 4096;
constexpr duration resolve_every = std::chrono::seconds(30);
constexpr duration look_every = std::chrono::milliseconds(20);
constexpr duration stop_probes_within = std::chrono::milliseconds(200);
constexpr duration look_briefly = std::chrono::milliseconds(1);

int num_threads(const settings::root& settings) {
    if (settings.threads > 0) return static_cast<int>(settings.threads);
    return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

std::uint64_t random_number() {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
}

loops make_loops(int count) {
    loops all;
    for (int i = 0; i < count; ++i)
        all.push_back(std::make_unique<io::loop>(i));
    return all;
}

// Every client may need an upstream connection, too.
std::uint64_t clamp_to_descriptors(std::uint64_t wanted) {
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    const std::uint64_t possible = files.rlim_cur > 512 ? (files.rlim_cur - 256) / 2 : 128;
    if (wanted > possible)
        observe::log::warning(
            "connections_clamped",
            {{"configured", wanted}, {"to", possible}, {"nofile", files.rlim_cur}}
        );
    return std::min(wanted, possible);
}

std::unique_ptr<observe::access_log> make_log(const settings::root& settings, int threads) {
    const auto& where = settings.log.requests;
    if (where.empty()) return nullptr;
    observe::access_log_settings how;
    if (where != "-") how.path = where;
    return std::make_unique<observe::access_log>(std::move(how), threads);
}

void set_log_level(settings::log_level level) {
    observe::log::set_level(static_cast<observe::log::level>(level));  // in the same order
}

io::endpoint endpoint_of(const std::string& address) {
    const auto parsed = settings::parse_listen(address);
    auto where = io::parse_endpoint(settings::to_text(parsed.value()));
    return std::move(where).value();
}

}  // namespace

const char* version() noexcept {
    return PENSTOCK_VERSION;
}

make_admission default_admission() {
    return [] {
        return policies::make_admission(admission_kind, domain_spec{}, io::loop::exact_now());
    };
}

gateway::gateway(const settings::root& settings, make_admission make)
    : bodies_(settings.limits.bodies),
      limits_(policies::make_limiting(limiting_kind)),
      learned_(settings.limits.learned),
      loops_(make_loops(num_threads(settings))),
      live_(loops_, std::move(make)),
      metrics_(static_cast<int>(loops_.size())),
      log_(make_log(settings, static_cast<int>(loops_.size()))),
      shared_{
          .limits = limits_,
          .learned = learned_,
          .metrics = metrics_,
          .log = log_.get(),
          .bodies = bodies_,
          .serving = serving_,
          .connections_max = clamp_to_descriptors(settings.limits.connections),
          .side = side_,
          .expose_metrics = [this] { return expose_metrics(); },
          .probe_now = [this](const std::string& replica) { probe_now(replica); },
          .log_salt = random_number()
      },
      supervisor_([this](const std::string& replica) { probe_now(replica); }) {
    auto first = std::make_shared<snapshot>();
    first->settings = settings;
    current_ = std::move(first);
}

gateway::~gateway() {
    supervisor_.stop();
    resolver_ = {};
    if (!threads_.empty()) {
        loops_.front()->post([this] {
            prober_->stop();
            telemetry_->stop();
        });
        const time_point end = after(io::loop::exact_now(), stop_probes_within);
        while (!(prober_->has_stopped() && telemetry_->has_stopped()) && io::loop::exact_now() < end
        )
            std::this_thread::sleep_for(look_briefly);
    }
    for (const auto& loop : loops_)
        loop->stop();
    for (auto& thread : threads_)
        thread.join();
}

result<void> gateway::start() {
    TRY(std::shared_ptr<const snapshot> first,
        fold(current_->settings, ++generation_, live_, places_, io::loop::exact_now()));
    current_ = first;
    set_log_level(first->settings.log.level);
    const std::uint64_t seed = random_number();
    for (const auto& loop : loops_)
        workers_.push_back(std::make_unique<worker_thread>(shared_, *loop, first, seed));
    CHECK(listen());
    supervisor_.expect(worker_orders(*first));
    telemetry_ = std::make_unique<telemetry>(*loops_.front());
    prober_ = std::make_unique<prober>(*loops_.front(), [this](const std::string& replica) {
        telemetry_->came_up(replica);
    });
    loops_.front()->post([this, first] { watch(first); });
    for (const auto& loop : loops_) {
        threads_.emplace_back([&loop] { loop->run(); });
        const std::string name = "loop-" + std::to_string(loop->index());
        pthread_setname_np(threads_.back().native_handle(), name.c_str());
    }
    resolver_ = std::jthread([this](const std::stop_token& stop) { resolve_names(stop); });
    supervisor_.follow(worker_orders(*first), first->settings.timeouts.drain);
    return success();
}

result<void> gateway::listen() {
    const auto open =
        [this](const std::string& address, std::optional<std::size_t> index) -> result<void> {
        TRY(io::listener first, io::listener::open(endpoint_of(address), backlog));
        addresses_.push_back(first.bound().text);
        for (std::size_t i = 1; i < workers_.size(); ++i) {
            TRY(io::listener sibling, first.sibling());
            workers_[i]->accept_on(std::move(sibling), index);
        }
        workers_.front()->accept_on(std::move(first), index);
        return success();
    };
    const auto& settings = current_->settings;
    for (std::size_t i = 0; i < settings.listen.size(); ++i) {
        CHECK(open(settings.listen[i].address, i));
    }
    if (settings.admin.address.empty()) return success();
    return open(settings.admin.address, std::nullopt);
}

// The file was checked against the addresses in it; what is open are those of the start.
result<void> gateway::refuse_opening(const settings::root& settings) const {
    if (!settings.keys.empty()) return success();
    const std::string open = settings::first_not_local(addresses_);
    if (open.empty()) return success();
    return error(
        errc::invalid_value,
        "keys: none, while the gateway listens on " + open +
            ", which it does until a restart: everybody who reaches it could use every model"
    );
}

result<void> gateway::reload(const settings::root& settings) {
    if (auto safe = refuse_opening(settings); safe.has_error()) {
        metrics_.reloaded(false);
        return safe;
    }
    auto folded = fold(settings, generation_ + 1, live_, places_, io::loop::exact_now());
    metrics_.reloaded(folded.has_value());
    if (folded.has_error()) return std::move(folded).error();
    ++generation_;
    const std::shared_ptr<const snapshot> next = std::move(folded).value();
    const auto& old = current_->settings;
    if (old.listen != settings.listen || old.admin != settings.admin ||
        old.threads != settings.threads || old.log.requests != settings.log.requests ||
        old.limits.learned != settings.limits.learned)
        observe::log::warning(
            "restart_needed",
            {{"for", "listen, admin, threads, log.requests and limits.learned are read at the start"
            }}
        );
    bodies_.set_limit(settings.limits.bodies);
    shared_.connections_max = clamp_to_descriptors(settings.limits.connections);
    set_log_level(settings.log.level);
    publish(next);
    return success();
}

void gateway::publish(const std::shared_ptr<const snapshot>& next) {
    auto orders = worker_orders(*next);
    supervisor_.expect(orders);
    {
        const std::lock_guard held(mutex_);
        current_ = next;
    }
    for (std::size_t i = 0; i < workers_.size(); ++i)
        loops_[i]->post([worker = workers_[i].get(), next] { worker->follow(next); });
    loops_.front()->post([this, next] { watch(next); });
    supervisor_.follow(std::move(orders), next->settings.timeouts.drain);
}

void gateway::drain(duration deadline) {
    drain_requests(deadline);
    supervisor_.stop();
}

void gateway::drain_requests(duration deadline) {
    serving_.close();
    const auto tell_all = [this](void (worker_thread::*what)() noexcept) {
        for (std::size_t i = 0; i < workers_.size(); ++i)
            loops_[i]->post([worker = workers_[i].get(), what] { (worker->*what)(); });
    };
    const auto wait_until_empty = [this](duration at_most) {
        const time_point end = after(io::loop::exact_now(), at_most);
        while (serving_.inside() > 0 && io::loop::exact_now() < end)
            std::this_thread::sleep_for(look_every);
        return serving_.inside() == 0;
    };
    tell_all(&worker_thread::stop_listening);
    if (wait_until_empty(deadline)) return;
    observe::log::warning("drain_deadline_passed", {{"connections", serving_.inside()}});
    tell_all(&worker_thread::cut_requests);
    if (wait_until_empty(std::chrono::seconds(2))) return;
    tell_all(&worker_thread::abort_connections);
    wait_until_empty(std::chrono::seconds(1));
}

void gateway::watch(const std::shared_ptr<const snapshot>& now) {
    telemetry_->follow(now);
    prober_->follow(now);
}

void gateway::probe_now(const std::string& replica) {
    loops_.front()->post([this, replica] { prober_->probe_now(replica); });
}

void gateway::reopen_log() {
    if (!log_) return;
    if (auto reopened = log_->reopen(); reopened.has_error())
        observe::log::error("log_not_reopened", {{"why", reopened.error().detail}});
}

duration gateway::drain_time() const {
    const std::lock_guard held(mutex_);
    return current_->settings.timeouts.drain;
}

void gateway::resolve_names(const std::stop_token& stop) {
    pthread_setname_np(pthread_self(), "resolver");
    std::mutex mutex;
    std::condition_variable_any asked;
    std::unique_lock held(mutex);
    while (!asked.wait_for(held, stop, resolve_every, [] { return false; })) {
        if (stop.stop_requested()) return;
        live_.resolve_all();
    }
}

stage_result<std::string> gateway::explain_idle(
    settings::root settings, std::string_view question
) {
    settings.listen.clear();
    settings.log.requests.clear();
    settings.threads = 1;
    settings.limits.connections = 1;
    gateway idle(settings);
    const time_point now = io::loop::exact_now();
    auto folded = fold(settings, 1, idle.live_, idle.places_, now);
    if (folded.has_error()) return refusal(std::move(folded).error());
    const std::shared_ptr<const snapshot> s = std::move(folded).value();
    for_each_replica(*s, [&](const replica_place& each) {
        domain& admission = *each.model->admission;
        if (admission.word_of(each.replica->index) == operator_word::ready)
            admission.on(each.replica->index, fact::state{replica_state::ready}, now);
    });
    // They have been up for as long as a slow start takes.
    return explain(
        idle.shared_, s, question, "explained", after(now, s->settings.health.slow_start)
    );
}

// ── metrics ─────────────────────────────────────────────────────────────────────────────────────

observe::scrape_input gateway::scrape() const {
    std::shared_ptr<const snapshot> s;
    {
        const std::lock_guard held(mutex_);
        s = current_;
    }
    const time_point now = io::loop::exact_now();
    observe::scrape_input in;
    for (const auto& model : s->models) {
        const domain& d = *model.admission;
        in.domains.push_back({model.name, d.waiting(), d.lock_wait(), d.lock_hold()});
        const auto views = d.replicas(now);
        for (const auto& version : model.versions)
            for (const auto& pool : version.pools)
                for (const auto& replica : pool.replicas)
                    for (const auto& view : views) {
                        if (view.index != replica.index) continue;
                        observe::scrape_input::replica r{
                            .model = model.name,
                            .version = version.id,
                            .pool = pool.id,
                            .replica = replica.id,
                            .state = view.state,
                            .breaker_open = view.breaker_open,
                            .in_flight = view.in_flight,
                            .slots = view.slots
                        };
                        if (const worker_place* worker = replica.worker)
                            r.worker = {worker->status.is_up(), worker->status.restarts()};
                        if (view.state == replica_state::ready) r.uptime = now - view.ready_since;
                        if (const duration rtt = replica.where->round_trip_time(); rtt.count() > 0)
                            r.rtt = rtt;
                        in.replicas.push_back(std::move(r));
                    }
    }
    for (const auto& worker : workers_) {
        in.connections.client_open += worker->num_open();
        in.connections.client_idle += worker->num_idle();
    }
    in.connections.upstream_idle = live_.num_idle();
    in.connections.upstream_open = in.connections.upstream_idle;
    for (const auto& replica : in.replicas)
        in.connections.upstream_open += replica.in_flight;
    in.body_bytes_held = bodies_.held();
    in.log_lines_dropped = log_ ? log_->lines_dropped() : 0;
    in.settings_generation = s->generation;
    in.version = version();
    in.config_hash = s->config_hash;
    return in;
}

std::string gateway::expose_metrics() const {
    return metrics_.expose(scrape());
}

}  // namespace penstock::gateway
