// A scrape: the cells of all threads added up, the facts of other rooms beside them, as text.
#include "families.hpp"
#include "thread_cells.hpp"

#include <prometheus/text_serializer.h>

#include <map>
#include <sstream>

namespace penstock::observe {
namespace {

using prometheus::ClientMetric;
using labels = std::vector<ClientMetric::Label>;

constexpr const char* class_names[num_classes] = {"realtime", "bulk"};
constexpr const char* direction_names[num_directions] = {"prompt", "cached", "output"};
constexpr const char* state_names[] = {
    "starting", "ready", "cordoned", "draining", "ejected", "dead"
};

class page {
 public:
    void count(family what, labels of, std::uint64_t value) {
        add(what, std::move(of)).counter.value = static_cast<double>(value);
    }
    void show(family what, labels of, double value) {
        add(what, std::move(of)).gauge.value = value;
    }
    // The count is that of the buckets just read, so that it never disagrees with them.
    void spread(family what, labels of, const histogram_values& values) {
        auto& histogram = add(what, std::move(of)).histogram;
        const bucket_layout& layout = *values.layout;
        histogram.bucket.reserve(layout.size);
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < layout.size; ++i) {
            sum += values.counts[i];
            histogram.bucket.push_back({sum, static_cast<double>(layout.bounds[i]) / 1e9});
        }
        histogram.sample_count = sum + values.counts[layout.size];
        histogram.sample_sum = static_cast<double>(values.sum_ns) / 1e9;
    }

    std::string text() const {
        std::ostringstream out;
        prometheus::TextSerializer().Serialize(out, families_);
        return std::move(out).str();
    }

 private:
    ClientMetric& add(family what, labels of) {
        auto& metric = families_[static_cast<std::size_t>(what)].metric.emplace_back();
        metric.label = std::move(of);
        return metric;
    }

    std::vector<prometheus::MetricFamily> families_ = empty_families();
};

struct model_values {
    std::int64_t in_flight = 0;
    std::uint64_t tokens[num_directions]{};
    histogram_values queue_wait[num_classes]{{&buckets::queue_wait}, {&buckets::queue_wait}};
    histogram_values first_byte{&buckets::first_byte};
    histogram_values between_chunks{&buckets::between_chunks};
    histogram_values stream_duration{&buckets::whole};
    histogram_values request_duration{&buckets::whole};

    void add(const model_cells& cells) {
        in_flight += cells.in_flight.value();
        for (std::size_t i = 0; i < num_directions; ++i)
            tokens[i] += cells.tokens[i].value();
        for (std::size_t i = 0; i < num_classes; ++i)
            queue_wait[i] += cells.queue_wait[i].values();
        first_byte += cells.first_byte.values();
        between_chunks += cells.between_chunks.values();
        stream_duration += cells.stream_duration.values();
        request_duration += cells.request_duration.values();
    }
};

void show_model(page& out, const std::string& name, const model_values& model) {
    out.show(family::requests_in_flight, {{"model", name}}, double(model.in_flight));
    for (std::size_t i = 0; i < num_directions; ++i)
        out.count(
            family::tokens, {{"model", name}, {"direction", direction_names[i]}}, model.tokens[i]
        );
    for (std::size_t i = 0; i < num_classes; ++i)
        out.spread(
            family::queue_wait, {{"model", name}, {"class", class_names[i]}}, model.queue_wait[i]
        );
    out.spread(family::time_to_first_byte, {{"model", name}}, model.first_byte);
    out.spread(family::time_between_chunks, {{"model", name}}, model.between_chunks);
    out.spread(family::stream_duration, {{"model", name}}, model.stream_duration);
    out.spread(family::request_duration, {{"model", name}}, model.request_duration);
}

template <std::size_t N>
class counts {
 public:
    void add(const label_table<counter, N>& cells) {
        cells.each([&](const auto& labels, const counter& cell) { sums_[labels] += cell.value(); });
    }
    void show(page& out, family what, const std::array<const char*, N>& names) const {
        for (const auto& [values, sum] : sums_) {
            labels of;
            for (std::size_t i = 0; i < N; ++i)
                of.push_back({names[i], values[i]});
            out.count(what, std::move(of), sum);
        }
    }

 private:
    std::map<std::array<std::string, N>, std::uint64_t> sums_;
};

void show_replica(page& out, const scrape_input::replica& r) {
    const labels of{
        {"model", r.model}, {"version", r.version}, {"pool", r.pool}, {"replica", r.replica}
    };
    out.show(family::upstream_up, of, r.state == replica_state::ready && !r.breaker_open);
    for (std::size_t i = 0; i < std::size(state_names); ++i) {
        labels with_state = of;
        with_state.push_back({"state", state_names[i]});
        out.show(
            family::upstream_state, std::move(with_state), i == static_cast<std::size_t>(r.state)
        );
    }
    out.show(family::upstream_uptime, of, seconds(r.uptime));
    out.show(family::upstream_in_flight, of, r.in_flight);
    out.show(family::upstream_slots, of, r.slots);
    if (r.worker) {
        out.show(family::worker_up, of, r.worker->up);
        out.count(family::worker_restarts, of, r.worker->restarts);
    }
    if (r.rtt) out.show(family::upstream_rtt, of, seconds(*r.rtt));
}

void show_input(page& out, const scrape_input& input) {
    for (const auto& replica : input.replicas)
        show_replica(out, replica);
    for (const auto& domain : input.domains) {
        const labels of{{"model", domain.model}};
        out.show(family::queue_waiting, of, domain.waiting);
        out.spread(family::domain_lock_wait, of, domain.lock_wait);
        out.spread(family::domain_lock_hold, of, domain.lock_hold);
    }
    out.show(family::body_bytes_held, {}, double(input.body_bytes_held));
    out.count(family::log_lines_dropped, {}, input.log_lines_dropped);
    out.show(family::settings_generation, {}, double(input.settings_generation));
    out.show(
        family::build_info, {{"version", input.version}, {"config_hash", input.config_hash}}, 1
    );
}

}  // namespace

metrics::metrics(int num_threads, const metrics_settings& settings)
    : shared_(std::make_unique<thread_metrics::shared>(settings.label_sets_max)) {
    for (int i = 0; i < num_threads; ++i)
        threads_.push_back(std::make_unique<thread_metrics>(*shared_));
}

metrics::~metrics() = default;

void metrics::reloaded(bool taken) noexcept {
    (taken ? shared_->reloads_taken : shared_->reloads_refused)
        .fetch_add(1, std::memory_order_relaxed);
}

namespace {

void show_connections(page& out, const scrape_input::connection_counts& of) {
    const auto show = [&](const char* side, const char* state, std::uint64_t value) {
        out.show(family::connections, {{"side", side}, {"state", state}}, double(value));
    };
    show("client", "open", of.client_open);
    show("client", "idle", of.client_idle);
    show("upstream", "open", of.upstream_open);
    show("upstream", "idle", of.upstream_idle);
}

}  // namespace

std::string metrics::expose(const scrape_input& input) const {
    page out;
    std::map<std::string, model_values> models;
    counts<3> requests;
    counts<2> refusals, retries, fallbacks;
    histogram_values connect{&buckets::connect};
    std::uint64_t handler_exceptions = 0;
    for (const auto& thread : threads_) {
        const auto& cells = *thread->cells_;
        cells.models.each([&](const auto& of, const auto& cell) { models[of[0]].add(cell); });
        requests.add(cells.requests);
        refusals.add(cells.refusals);
        retries.add(cells.retries);
        fallbacks.add(cells.fallbacks);
        connect += cells.connect.values();
        handler_exceptions += cells.handler_exceptions.value();
    }
    for (const auto& [name, model] : models)
        show_model(out, name, model);
    requests.show(out, family::requests, {"route", "model", "status"});
    refusals.show(out, family::refusals, {"reason", "model"});
    retries.show(out, family::retries, {"model", "reason"});
    fallbacks.show(out, family::fallbacks, {"model", "reason"});
    out.spread(family::connect, {}, connect);
    show_connections(out, input.connections);
    out.count(family::handler_exceptions, {}, handler_exceptions);
    out.count(family::reloads, {{"result", "ok"}}, shared_->reloads_taken.load());
    out.count(family::reloads, {{"result", "error"}}, shared_->reloads_refused.load());
    show_input(out, input);
    return out.text();
}

}  // namespace penstock::observe
