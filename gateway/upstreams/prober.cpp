// Probes: one coroutine for each replica.
#include "gateway/upstreams/prober.hpp"

#include "gateway/settings/settings.hpp"
#include "gateway/upstreams/ask.hpp"
#include "gateway/workers/worker_places.hpp"
#include "penstock/observe/log.hpp"

#include <boost/json.hpp>

namespace penstock::gateway {

void prober::follow(std::shared_ptr<const snapshot> now) {
    if (stopping_) return;
    settings_ = std::move(now);
    for_each_replica(*settings_, [&](const target& t) {
        const auto [row, is_new] = watched_.try_emplace(t.replica->id, home_);
        expect(*t.model, *t.replica, row->second);
        if (!is_new) return;
        ++num_watched_;
        io::spawn(
            watch(t.replica->id, row->second),
            [this, id = t.replica->id](const std::exception_ptr& what) { ended(id, what); }
        );
    });
}

// A replica that is a bundled worker only now is starting, whatever an answer of what stood there
// before has said of it meanwhile.
void prober::expect(const model_entry& model, const replica_entry& replica, watcher& own) {
    const upstream* const before = std::exchange(own.where, replica.where);
    if (!before || before == replica.where) return;
    if (!replica.worker || replica.worker->status.is_up()) return;
    const fact::state starting{replica_state::starting};
    model.admission->on(replica.index, starting, io::loop::exact_now());
}

void prober::stop() noexcept {
    stopping_ = true;
    for (auto& [replica_id, own] : watched_) {
        own.channel.close();
        own.pause.ring();
    }
}

void prober::probe_now(const std::string& replica_id) noexcept {
    if (const auto row = watched_.find(replica_id); row != watched_.end()) row->second.pause.ring();
}

// A bundled worker is probed while it has a process that may get requests; what is found of one
// process is never said of the next. While it has not been ready yet, no line says that it is down.
io::task<void> prober::watch(std::string replica_id, watcher& own) {
    std::optional<bool> was_well;
    std::uint64_t was_run = 0;
    while (true) {
        const auto s = settings_;
        const target t = find_replica(*s, replica_id);
        if (!t) break;
        const std::uint64_t run = t.replica->worker ? t.replica->worker->status.run() : 0;
        if (run != was_run) was_well = false;
        was_run = run;
        if (t.replica->worker && run == 0) {
            co_await own.pause.wait_until(after(home_.now(), s->settings.health.every));
            if (stopping_) break;
            continue;
        }
        const bool well = co_await probe(s, t, own.channel);
        bool ready = well;
        if (well && !stopping_) ready = co_await warm_up(s, t, own.channel);
        own.channel.close();
        if (stopping_) break;
        if (!tell(t, own, ready, run)) continue;
        if (was_well != ready) {
            const auto& name = t.replica->id;
            if (ready) {
                observe::log::info("replica_up", {{"replica", name}});
                came_up_(name);
            } else {
                observe::log::warning("replica_down", {{"replica", name}});
            }
        }
        was_well = ready;
        const duration every = s->settings.health.every;
        co_await own.pause.wait_until(after(home_.now(), every));
        if (stopping_) break;
    }
}

// One that failed begins anew with the next settings.
void prober::ended(const std::string& replica_id, const std::exception_ptr& what) noexcept {
    observe::log::escaped("probe_failed", what, replica_id);
    watched_.erase(replica_id);
    --num_watched_;
}

// False: there is another place by now, or another process of the worker.
bool prober::tell(const target& t, const watcher& own, bool ready, std::uint64_t run) {
    if (own.where != t.replica->where) return false;
    const time_point now = io::loop::exact_now();
    domain& admission = *t.model->admission;
    worker_place* const worker = t.replica->worker;
    if (!worker) {
        admission.on(t.replica->index, fact::probed{ready}, now);
        return true;
    }
    if (worker->status.run() != run) return false;
    if (ready) worker->status.ready(run, now);
    admission.on(t.replica->index, fact::probed{ready}, now);
    if (worker->status.run() == run) return true;
    // It died between the two looks, and the supervisor may have said so before us.
    admission.on(t.replica->index, fact::state{replica_state::dead}, now);
    return false;
}

io::task<bool> prober::probe(std::shared_ptr<const snapshot> s, target t, io::channel& channel) {
    const auto& health = s->settings.health;
    const time_point deadline = after(io::loop::exact_now(), health.timeout);
    const question what{.method = "GET", .path = health.path, .headers = t.replica->own_headers};
    auto asked = co_await ask(channel, home_, *t.replica->where, what, deadline);
    if (asked.has_error() || asked.value().status < 200 || asked.value().status > 299)
        co_return false;
    if (health.path.ends_with("/models")) compare_context(t, asked.value().body);
    co_return true;
}

// A replica that is not up yet gets its first request from us, so that no client waits for cold
// kernels.
io::task<bool> prober::warm_up(std::shared_ptr<const snapshot> s, target t, io::channel& channel) {
    const auto& settings = s->settings.models.at(t.model->name).warmup;
    if (!settings || settings->body.empty()) co_return true;
    for (const auto& view : t.model->admission->replicas(io::loop::exact_now()))
        if (view.index == t.replica->index && view.state != replica_state::starting &&
            view.state != replica_state::dead)
            co_return true;
    const time_point deadline = after(io::loop::exact_now(), settings->timeout);
    const question what{
        .method = "POST",
        .path = settings->path,
        .headers = t.replica->own_headers,
        .body = settings->body
    };
    auto asked = co_await ask(channel, home_, *t.replica->where, what, deadline);
    const bool warm = asked.has_value() && asked.value().status < 300;
    observe::log::info("replica_warmed", {{"replica", t.replica->id}, {"done", warm}});
    co_return warm;
}

void prober::compare_context(const target& t, std::string_view models_body) {
    boost::system::error_code bad;
    const auto parsed = boost::json::parse(models_body, bad);
    if (bad || !parsed.is_object()) return;
    const auto* data = parsed.as_object().if_contains("data");
    if (!data || !data->is_array()) return;
    for (const auto& each : data->as_array()) {
        const auto* o = each.if_object();
        const auto* id = o ? o->if_contains("id") : nullptr;
        const auto* length = o ? o->if_contains("max_model_len") : nullptr;
        if (!id || !id->is_string() || !length || !length->is_int64()) continue;
        if (id->as_string() != t.replica->upstream_model) continue;
        if (t.pool->context <= length->as_int64() || !mismatched_.insert(t.replica->id).second)
            return;
        observe::log::error(
            "context_mismatch",
            {{"replica", t.replica->id},
             {"configured", t.pool->context},
             {"max_model_len", length->as_int64()}}
        );
    }
}

}  // namespace penstock::gateway
