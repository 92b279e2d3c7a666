// Engines' own figures: one coroutine for each replica.
#include "gateway/upstreams/telemetry.hpp"

#include "gateway/upstreams/ask.hpp"
#include "penstock/observe/engine_metrics.hpp"
#include "penstock/observe/log.hpp"

namespace penstock::gateway {
namespace {

constexpr std::size_t metrics_max = 2 * 1024 * 1024;

}  // namespace

void telemetry::follow(std::shared_ptr<const snapshot> now) {
    if (stopping_) return;
    const bool is_first = !settings_;
    const bool asks_otherwise =
        !is_first && settings_->settings.health.scrape != now->settings.health.scrape;
    settings_ = std::move(now);
    for_each_replica(*settings_, [&](const replica_place& place) {
        const std::string& id = place.replica->id;
        const auto [row, is_new] = watched_.try_emplace(id, home_);
        const upstream* const before = std::exchange(row->second.where, place.replica->where);
        if (asks_otherwise || (before && before != place.replica->where)) came_up(id);
        if (!is_new) return;
        ++num_watched_;
        io::spawn(watch(id, row->second), [this, id](const std::exception_ptr& what) {
            observe::log::escaped("telemetry_failed", what, id);
            watched_.erase(id);
            --num_watched_;
        });
    });
    // Those that are gone end at their next turn.
    for (auto& [id, own] : watched_)
        if (!find_replica(*settings_, id)) own.pause.ring();
}

void telemetry::came_up(const std::string& replica_id) noexcept {
    const auto row = watched_.find(replica_id);
    if (row == watched_.end()) return;
    row->second.is_asked = true;
    row->second.pause.ring();
}

void telemetry::stop() noexcept {
    stopping_ = true;
    for (auto& [id, own] : watched_) {
        own.channel.close();
        own.pause.ring();
    }
}

io::task<void> telemetry::watch(std::string replica_id, watcher& own) {
    while (!stopping_) {
        const auto s = settings_;
        const replica_place from = find_replica(*s, replica_id);
        if (!from) break;
        const auto& health = s->settings.health;
        if (!own.is_asked || health.scrape.every == duration::zero()) {
            co_await own.pause.wait_until(never);
            continue;
        }
        const answered got = co_await look(s, from, own.channel);
        own.channel.close();
        if (got == answered::none) own.is_asked = false;
        if (!own.is_asked || stopping_) continue;
        co_await own.pause.wait_until(after(home_.now(), health.scrape.every));
    }
    watched_.erase(replica_id);
    --num_watched_;
}

io::task<telemetry::answered> telemetry::look(
    std::shared_ptr<const snapshot> s, replica_place from, io::channel& channel
) {
    const auto& how = s->settings.health.scrape;
    const question what{
        .method = "GET",
        .path = how.path,
        .headers = from.replica->own_headers,
        .answer_max = metrics_max
    };
    auto asked = co_await ask(
        channel, home_, *from.replica->where, what, after(io::loop::exact_now(), how.timeout)
    );
    if (asked.has_error()) co_return answered::nothing;
    if (asked.value().status >= 500) co_return answered::nothing;
    if (asked.value().status != 200) co_return answered::none;
    const fact::scraped figures = observe::read_engine_metrics(asked.value().body);
    if (!observe::says_anything(figures)) co_return answered::none;
    // Of another place they would be said of the wrong engine.
    const replica_place now = find_replica(*settings_, from.replica->id);
    if (now && now.replica->where == from.replica->where)
        now.model->admission->on(now.replica->index, figures, io::loop::exact_now());
    co_return answered::figures;
}

}  // namespace penstock::gateway
