// /metrics: the engine's state and the requests, as Prometheus text.
#include "worker/api/handlers.hpp"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <sstream>

namespace penstock::worker {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;
using labels = std::vector<ClientMetric::Label>;

class page {
 public:
    void family(const char* name, MetricType type, const char* help) {
        auto& made = families_.emplace_back();
        made.name = name;
        made.type = type;
        made.help = help;
    }
    void gauge(const char* name, const char* help, double value) {
        family(name, MetricType::Gauge, help);
        add({}, value);
    }
    void counter(const char* name, const char* help, double value) {
        family(name, MetricType::Counter, help);
        add({}, value);
    }
    // To the family named last.
    void add(labels of, double value) {
        ClientMetric& metric = put(std::move(of));
        if (families_.back().type == MetricType::Counter)
            metric.counter.value = value;
        else
            metric.gauge.value = value;
    }
    ClientMetric& put(labels of) {
        ClientMetric& metric = families_.back().metric.emplace_back();
        metric.label = std::move(of);
        return metric;
    }

    std::string text() const {
        std::ostringstream out;
        prometheus::TextSerializer().Serialize(out, families_);
        return std::move(out).str();
    }

 private:
    std::vector<prometheus::MetricFamily> families_;
};

void add_classes(page& out, const engine_state& state) {
    const auto both = [&](const char* name, MetricType type, const char* help, auto field) {
        out.family(name, type, help);
        out.add({{"class", "realtime"}}, double(state.realtime.*field));
        out.add({{"class", "bulk"}}, double(state.bulk.*field));
    };
    both(
        "penstock_worker_q_len_prefill",
        MetricType::Gauge,
        "Generations that wait or run and have no token yet.",
        &class_state::q_len_prefill
    );
    both(
        "penstock_worker_q_len_decode",
        MetricType::Gauge,
        "Generations with a first token that are not finished.",
        &class_state::q_len_decode
    );
    both(
        "penstock_worker_q_tokens_prefill",
        MetricType::Gauge,
        "Prompt tokens that are still to be computed.",
        &class_state::q_tokens_prefill
    );
    out.family(
        "penstock_worker_generations_total",
        MetricType::Counter,
        "Generations by how they ended; refused ones never began."
    );
    for (const auto& [name, of] :
         {std::pair{"realtime", &state.realtime}, std::pair{"bulk", &state.bulk}}) {
        out.add({{"class", name}, {"end", "stop"}}, double(of->stop));
        out.add({{"class", name}, {"end", "length"}}, double(of->length));
        out.add({{"class", name}, {"end", "aborted"}}, double(of->aborted));
        out.add({{"class", name}, {"end", "refused"}}, double(of->refused));
    }
}

void add_cache(page& out, const engine_state& state) {
    out.family(
        "penstock_worker_kv_pages",
        MetricType::Gauge,
        "Pages of the key-value store: held by a generation, kept for their prefix, free."
    );
    const std::uint32_t held = state.kv_pages_used + state.kv_pages_cached;
    out.add({{"state", "used"}}, state.kv_pages_used);
    out.add({{"state", "cached"}}, state.kv_pages_cached);
    out.add({{"state", "free"}}, state.kv_pages_total - std::min(held, state.kv_pages_total));
    out.counter(
        "penstock_worker_prefix_lookup_tokens_total",
        "Prompt tokens that were looked for in the prefix cache.",
        double(state.prefix_lookup_tokens)
    );
    out.counter(
        "penstock_worker_prefix_hit_tokens_total",
        "Prompt tokens that were found in the prefix cache.",
        double(state.prefix_hit_tokens)
    );
}

void add_steps(page& out, const engine_state& state) {
    out.gauge(
        "penstock_worker_batch_sequences", "Sequences in the last step.", state.batch_sequences
    );
    out.gauge("penstock_worker_batch_tokens", "Tokens in the last step.", state.batch_tokens);
    out.gauge("penstock_worker_step_seconds", "Time of the last step.", state.step_seconds);
    out.counter("penstock_worker_steps_total", "Steps since the start.", double(state.steps));
    out.family(
        "penstock_worker_tokens_total",
        MetricType::Counter,
        "Tokens computed of prompts, and generated."
    );
    out.add({{"direction", "prompt"}}, double(state.prompt_tokens));
    out.add({{"direction", "output"}}, double(state.output_tokens));
    out.family(
        "penstock_worker_tokens_per_second",
        MetricType::Gauge,
        "Rate of late, over the steps that did such work."
    );
    out.add({{"phase", "prefill"}}, state.prefill_tokens_per_second);
    out.add({{"phase", "decode"}}, state.decode_tokens_per_second);
}

void add_ttft(page& out, const engine_state& state) {
    out.family(
        "penstock_worker_time_to_first_token_seconds",
        MetricType::Histogram,
        "From the submission of a generation to its first token."
    );
    auto& histogram = out.put({}).histogram;
    const auto bounds = ttft_bounds();
    const auto& buckets = state.ttft_buckets;
    for (std::size_t i = 0; i < bounds.size() && i < buckets.size(); ++i)
        histogram.bucket.push_back({buckets[i], bounds[i]});
    histogram.sample_count = buckets.empty() ? 0 : buckets.back();
    histogram.sample_sum = state.ttft_seconds_sum;
}

void add_requests(page& out, const request_counts& counts) {
    out.family(
        "penstock_worker_requests_total",
        MetricType::Counter,
        "Finished requests by route and status; 499: the client had left."
    );
    for (const auto& [key, count] : counts.all())
        out.add(
            {{"route", std::string(key.first)}, {"status", std::to_string(key.second)}},
            double(count)
        );
}

}  // namespace

io::task<stage_result<>> show_metrics(request_scope& r) {
    const engine_state state = r.host.running().state();
    page out;
    out.gauge(
        "penstock_worker_up",
        "1 while the engine runs, 0 after it has failed.",
        state.failure.empty() ? 1 : 0
    );
    add_classes(out, state);
    add_cache(out, state);
    add_steps(out, state);
    add_ttft(out, state);
    add_requests(out, r.host.counts());
    out.family("penstock_worker_info", MetricType::Gauge, "Always 1; what is served, and by what.");
    out.add(
        {{"model", r.host.model().rules.model},
         {"fingerprint", r.host.model().fingerprint},
         {"version", r.host.options().version}},
        1
    );
    const std::string text = out.text();
    auto sent = co_await r.respond(200, "text/plain; version=0.0.4; charset=utf-8", text);
    co_return std::move(sent);
}

}  // namespace penstock::worker
