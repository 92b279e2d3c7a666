// What one decision of admission by Little's law costs: arrival and verdicts, as means of 32. One
// JSON object in one line for each figure. The budget: 5 µs at the 99th percentile with 1 000
// replicas, whatever the number of tenants.
#include "policies/admission/little.hpp"

#include <algorithm>
#include <cstdio>
#include <deque>
#include <numeric>
#include <random>
#include <vector>

namespace penstock::admission {
namespace {

using namespace std::chrono_literals;
using real_clock = std::chrono::steady_clock;

constexpr std::uint32_t slots_each = 64;
constexpr int decisions_each = 32;

struct shape {
    std::uint32_t replicas, tenants;
    bool queued;  // all slots are taken, and a thousand wait; else four fifths are, and none waits
    bool cold;
};

domain_spec spec_of(const shape& how) {
    domain_spec spec{.id = "chat", .slow_start = 0s};
    pool_spec& pool = spec.pools.emplace_back();
    pool.id = "chat/v1/all";
    for (std::uint32_t r = 0; r < how.replicas; ++r)
        pool.replicas.push_back({.id = "chat/v1/all/" + std::to_string(r), .slots = slots_each});
    for (class_settings& each : spec.classes)
        each = {.pending = 4000, .timeout = 24h, .concurrency = ~0u, .tpot = 0s};
    return spec;
}

class bench {
 public:
    explicit bench(const shape& how) : how_(how), policy_(spec_of(how), now_) {
        const std::uint32_t all = how.replicas * slots_each;
        const std::uint32_t wanted = how.queued ? all + 1000 : all * 4 / 5;
        for (std::uint32_t i = 0; i < wanted; ++i)
            decide();
    }
    // Nanoseconds of one decision.
    double decide() {
        now_ += 20us;
        if (how_.queued && policy_.waiting() >= 1000) end_one();
        const work w = draw();
        const auto begin = real_clock::now();
        policy_.arrive(w, now_);
        verdict_batch batch;
        const bool more = policy_.advance(now_, batch);
        const std::chrono::duration<double, std::nano> spent = real_clock::now() - begin;
        take(batch);
        for (bool again = more; again;) {
            verdict_batch rest;
            again = policy_.advance(now_, rest);
            take(rest);
        }
        if (!how_.queued && running_.size() > how_.replicas * slots_each * 4 / 5) end_one();
        return spent.count();
    }

 private:
    work draw() {
        work w;
        w.pools.push({0});
        w.tenant = {static_cast<std::uint32_t>(random_() % how_.tenants)};
        w.klass = static_cast<request_class>(random_() % 4 == 0);
        w.prompt_tokens = 50 + static_cast<std::uint32_t>(random_() % 1500);
        w.output_expected = 200;
        w.affinity = 1 + random_() % 5000;
        w.cached_hint = 40;
        w.streamed = true;
        return w;
    }
    void take(const verdict_batch& batch) {
        for (const verdict& v : batch)
            if (const auto* g = std::get_if<granted>(&v)) {
                running_.push_back(g->who);
                now_ += 1us;
                policy_.on(g->who, event::first_byte{}, now_);
            }
    }
    void end_one() {
        if (running_.empty()) return;
        std::swap(running_.front(), running_[random_() % running_.size()]);
        policy_.on(running_.front(), event::completed{.end = ending::served}, now_);
        running_.pop_front();
    }

    shape how_;
    time_point now_{1000s};
    std::mt19937_64 random_{1};
    little policy_;
    std::deque<ticket> running_;
};

// More than any cache of the machine holds.
void flush_caches() {
    static std::vector<std::uint64_t> memory(8u << 20, 1);  // 64 MiB
    for (std::size_t i = 0; i < memory.size(); i += 8)
        memory[i] += i;
}

void measure(const shape& how, int groups) {
    bench b(how);
    std::vector<double> means;
    for (int g = 0; g < groups; ++g) {
        if (how.cold) flush_caches();
        double sum = 0;
        for (int i = 0; i < decisions_each; ++i)
            sum += b.decide();
        means.push_back(sum / decisions_each);
    }
    std::sort(means.begin(), means.end());
    for (const auto& [name, share] : {std::pair("admit_p50_ns", 0.5), {"admit_p99_ns", 0.99}}) {
        std::printf(
            "{\"figure\": \"%s\", \"replicas\": %u, \"tenants\": %u, \"queue\": \"%s\", "
            "\"cache\": \"%s\", \"value\": %.0f}\n",
            name,
            how.replicas,
            how.tenants,
            how.queued ? "standing" : "none",
            how.cold ? "cold" : "warm",
            means[static_cast<std::size_t>(share * static_cast<double>(groups - 1))]
        );
        std::fflush(stdout);
    }
}

}  // namespace
}  // namespace penstock::admission

int main() {
    using penstock::admission::measure;
    for (const std::uint32_t replicas : {10u, 100u, 1000u})
        for (const std::uint32_t tenants : {1u, 100u, 10'000u})
            for (const bool queued : {false, true}) {
                measure({replicas, tenants, queued, false}, 2000);
                measure({replicas, tenants, queued, true}, 200);
            }
}
