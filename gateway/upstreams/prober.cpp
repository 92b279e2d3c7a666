// Probes: one coroutine for each replica.
#include "gateway/upstreams/prober.hpp"

#include "gateway/settings/settings.hpp"
#include "gateway/workers/worker_places.hpp"
#include "penstock/http/client.hpp"
#include "penstock/observe/log.hpp"

#include <boost/json.hpp>

namespace penstock::gateway {
namespace {

constexpr std::size_t probe_body_max = 256 * 1024;

struct probe_answer {
    int status = 0;
    std::string body;
};

// One request on a connection of its own.
io::task<result<probe_answer>> ask(
    io::channel& channel,
    io::loop& home,
    const replica_entry& replica,
    std::string_view method,
    std::string_view path,
    std::string_view body,
    time_point deadline
) {
    CO_CHECK(replica.where->connect(channel, home, deadline));
    channel.set_deadline(deadline);
    std::string request(method);
    request += ' ';
    request += path;
    request += " HTTP/1.1\r\n" + replica.own_headers + "Connection: close\r\n";
    if (!body.empty())
        request +=
            "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
            "\r\n";
    request += "\r\n";
    request += body;
    CO_CHECK(channel.send(request));
    http::answer answer(channel);
    CO_CHECK(answer.read_head());
    probe_answer got{answer.head().status, {}};
    std::string_view payload;
    while (got.body.size() < probe_body_max) {
        const auto step = answer.next(payload);
        if (step == http::body_reader::step::payload) {
            got.body.append(payload);
            continue;
        }
        if (step != http::body_reader::step::more) break;
        auto bytes = co_await channel.read();
        auto more = answer.feed(std::move(bytes));
        if (more.has_error()) co_return std::move(more).error();
        if (!more.value()) break;
    }
    co_return got;
}

}  // namespace

void prober::follow(std::shared_ptr<const snapshot> now) {
    if (stopping_) return;
    settings_ = std::move(now);
    for (const auto& model : settings_->models)
        for (const auto& version : model.versions)
            for (const auto& pool : version.pools)
                for (const auto& replica : pool.replicas) {
                    const auto [row, is_new] = watched_.try_emplace(replica.id, home_);
                    expect(model, replica, row->second);
                    if (!is_new) continue;
                    ++num_watched_;
                    io::spawn(
                        watch(replica.id, row->second),
                        [this, id = replica.id](const std::exception_ptr& what) { ended(id, what); }
                    );
                }
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

prober::target prober::find(const std::string& replica_id) const {
    for (const auto& model : settings_->models)
        for (const auto& version : model.versions)
            for (const auto& pool : version.pools)
                for (const auto& replica : pool.replicas)
                    if (replica.id == replica_id) return {&model, &pool, &replica};
    return {};
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
        const target t = find(replica_id);
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
            if (ready)
                observe::log::info("replica_up", {{"replica", name}});
            else
                observe::log::warning("replica_down", {{"replica", name}});
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
    auto asked = co_await ask(channel, home_, *t.replica, "GET", health.path, {}, deadline);
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
    auto asked =
        co_await ask(channel, home_, *t.replica, "POST", settings->path, settings->body, deadline);
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
