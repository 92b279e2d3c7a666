// The reference scenarios.
#include "simulator/reference.hpp"

#include <algorithm>

namespace penstock::simulator {

using namespace std::chrono_literals;

domain_spec reference_spec(std::uint32_t replicas) {
    domain_spec spec;
    spec.id = "reference";
    pool_spec& pool = spec.pools.emplace_back();
    pool.id = "reference/default/default";
    for (std::uint32_t i = 0; i < replicas; ++i) {
        replica_spec& r = pool.replicas.emplace_back();
        r.id = pool.id + "/" + std::to_string(i);
        r.slots = engine_model{}.sequences;
        r.kv_tokens = engine_model{}.kv_tokens;
    }
    class_settings& realtime = spec.classes[0];
    realtime.ttft = 2s;
    realtime.tpot = 60ms;
    realtime.pending = 64 * replicas;
    class_settings& bulk = spec.classes[1];
    bulk.pending = 500 * replicas;
    for (class_settings& each : spec.classes)
        each.concurrency = 128 * replicas;
    bulk.timeout = 10min;
    bulk.ttft = 30s;
    bulk.tpot = {};
    bulk.floor = 0.1;
    return spec;
}

load_spec reference_load() {
    return {};
}

setup reference_setup(double rate, bool bursts, std::uint64_t seed) {
    setup s;
    s.spec = reference_spec();
    s.engines = {engine_model{}};
    s.load = reference_load();
    s.load.seed = seed;
    s.load.rate = rate;
    if (bursts) {
        s.load.arrivals.on = 5s;
        s.load.arrivals.off = 10s;
    }
    return s;
}

const std::vector<scenario>& scenarios() {
    static const std::vector<scenario> all{
        {"poisson 0.7C", 0.7, false},
        {"poisson 1.0C", 1.0, false},
        {"poisson 2.0C", 2.0, false},
        {"bursts 1.0C", 1.0, true},
        {"bursts 2.0C", 2.0, true},
    };
    return all;
}

capacity capacity_of(const setup& what) {
    constexpr duration warm = 60s, until = 660s;
    std::uint32_t replicas = 0;
    for (const pool_spec& pool : what.spec.pools)
        replicas += static_cast<std::uint32_t>(pool.replicas.size());
    capacity sum;
    for (std::uint32_t i = 0; i < std::min<std::size_t>(replicas, what.engines.size()); ++i) {
        load_spec endless = what.load;
        endless.length = duration::max() / 4;
        endless.steps.clear();
        endless.rate = 100;
        endless.requests = 0;
        load_source source(endless);
        engine e(what.engines[i]);
        std::vector<engine_news> news;
        std::vector<request> asked;
        const auto keep_full = [&](time_point now) {
            while (e.waiting() < 2) {
                const auto id = static_cast<std::uint32_t>(asked.size());
                asked.push_back(*source.next());
                e.submit({id, asked.back().prompt, asked.back().output}, now, news);
                e.next_event();
            }
        };
        keep_full(time_point{});
        capacity one;
        for (time_point now = e.next_event(); now < time_point(until); now = e.next_event()) {
            e.advance(now, news);
            for (const engine_news& each : news) {
                if (each.what != engine_news::kind::finished || each.when < time_point(warm))
                    continue;
                one.requests += 1;
                one.tokens += weighted_tokens(asked[each.id].prompt, asked[each.id].output);
            }
            news.clear();
            keep_full(now);
        }
        // The last model stands for all further replicas.
        const double times = i + 1 == what.engines.size() ? replicas - i : 1;
        sum.requests += times * one.requests / seconds(until - warm);
        sum.tokens += times * one.tokens / seconds(until - warm);
    }
    return sum;
}

namespace {

setup at_load(const study& what, double load, std::uint32_t seed) {
    setup s = what.base;
    s.load.rate = load * what.full.requests;
    s.load.seed += seed;
    if (what.policy->scrape_every > duration::zero()) s.every.scrape = what.policy->scrape_every;
    return s;
}

// Of numbers that mean something when they are averaged; the rest are the first seed's.
figures mean_of(const std::vector<figures>& all) {
    figures mean = all.front();
    const auto average = [&](auto&& member) {
        double sum = 0;
        for (figures f : all)
            sum += static_cast<double>(member(f));
        auto& out = member(mean);
        out = static_cast<std::remove_reference_t<decltype(out)>>(sum / double(all.size()));
    };
    average([](figures& f) -> auto& { return f.goodput; });
    average([](figures& f) -> auto& { return f.goodput_tokens; });
    average([](figures& f) -> auto& { return f.jain; });
    average([](figures& f) -> auto& { return f.busy; });
    average([](figures& f) -> auto& { return f.shed_flips; });
    average([](figures& f) -> auto& { return f.refusal_flips; });
    for (std::size_t d = 0; d < 10; ++d)
        average([d](figures& f) -> auto& { return f.admitted_by_length[d]; });
    for (std::size_t c = 0; c < num_classes; ++c) {
        average([c](figures& f) -> auto& { return f.classes[c].offered; });
        average([c](figures& f) -> auto& { return f.classes[c].admitted; });
        average([c](figures& f) -> auto& { return f.classes[c].good; });
        average([c](figures& f) -> auto& { return f.classes[c].ttft.p99; });
    }
    return mean;
}

}  // namespace

measured measure(const study& what, double load) {
    measured m{.load = load};
    for (std::uint32_t seed = 0; seed < what.seeds; ++seed) {
        const setup s = at_load(what, load, seed);
        m.each.push_back(figures_of(run(s, what.policy->make), s.spec));
    }
    m.mean = mean_of(m.each);
    return m;
}

overload_figures overload(const study& what, std::span<const double> loads) {
    overload_figures f;
    double most_requests = 0, most_tokens = 0;
    for (const double load : loads) {
        f.sweep.push_back(measure(what, load));
        most_requests = std::max(most_requests, f.sweep.back().mean.goodput);
        most_tokens = std::max(most_tokens, f.sweep.back().mean.goodput_tokens);
    }
    const figures& last = f.sweep.back().mean;
    f.requests = most_requests > 0 ? last.goodput / most_requests : 0;
    f.tokens = most_tokens > 0 ? last.goodput_tokens / most_tokens : 0;
    return f;
}

double recovery(study what) {
    const double full = what.full.requests;
    what.base.load.length = 180s;
    what.base.load.warm_up = 20s;
    what.base.load.steps = {{60s, 2 * full}, {120s, 0.5 * full}};
    std::vector<run_result> runs;
    runs.reserve(what.seeds);
    for (std::uint32_t seed = 0; seed < what.seeds; ++seed)
        runs.push_back(run(at_load(what, 0.5, seed), what.policy->make));
    return recovery_of(runs, what.base.spec, time_point(20s), time_point(60s), time_point(120s));
}

returning_figures returning(study what) {
    what.base.load.retries = 5;
    what.base.load.obeying = 0.1;
    std::vector<double> waits, retries, realtime_waits, realtime_retries;
    double came_again = 0, admitted = 0;
    for (std::uint32_t seed = 0; seed < what.seeds; ++seed) {
        const run_result r = run(at_load(what, 2, seed), what.policy->make);
        for (const record& each : r.records) {
            if (each.arrived < r.from || each.arrived >= r.until) continue;
            came_again += each.attempts > 1;
            admitted += each.attempts > 1 && each.granted;
            if (each.told_retry <= 0s) continue;
            waits.push_back(seconds(each.told_wait));
            retries.push_back(seconds(each.told_retry));
            if (each.klass != request_class::realtime) continue;
            realtime_waits.push_back(waits.back());
            realtime_retries.push_back(retries.back());
        }
    }
    return {
        rank_correlation(waits, retries),
        rank_correlation(realtime_waits, realtime_retries),
        came_again > 0 ? admitted / came_again : 0
    };
}

double fair_shares(study what) {
    what.base.load.tenants = {{"loud", 0.4}, {"a", 0.15}, {"b", 0.15}, {"c", 0.15}, {"d", 0.15}};
    return measure(what, 2).mean.jain;
}

}  // namespace penstock::simulator
