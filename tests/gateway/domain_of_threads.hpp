// Loops on threads of their own and a domain that they share.
#pragma once

#include "gateway/upstreams/domain.hpp"
#include "penstock/io/task.hpp"
#include "policies/catalogue.hpp"

#include <memory>
#include <string_view>
#include <thread>
#include <vector>

namespace penstock::gateway {

using namespace std::chrono_literals;

inline time_point now() {
    return io::loop::exact_now();
}

inline domain_spec one_replica(std::uint32_t slots) {
    domain_spec spec;
    spec.id = "m";
    spec.pools.push_back({.id = "m/v/p", .replicas = {{.id = "m/v/p/r", .slots = slots}}});
    spec.classes[0] = spec.classes[1] = {.pending = 100'000, .timeout = 60s};
    spec.slow_start = {};
    return spec;
}

class domain_of_threads {
 public:
    domain_of_threads(
        const domain_spec& spec,
        int threads,
        const retry::budget_settings& budget = {},
        std::string_view policy = "fixed_slots"
    ) {
        for (int i = 0; i < threads; ++i)
            loops.push_back(std::make_unique<io::loop>(i));
        shared = std::make_unique<domain>(
            "m", policies::make_admission(policy, domain_spec{}, now()), *loops[0]
        );
        pools = shared->settings_changed(spec, budget, now()).pools;
        for (const auto& loop : loops)
            threads_.emplace_back([&loop] { loop->run(); });
    }
    ~domain_of_threads() { stop(); }

    void stop() {
        for (const auto& loop : loops)
            loop->stop();
        for (auto& thread : threads_)
            thread.join();
        threads_.clear();
    }
    work any() const {
        work w;
        w.pools.push(pools[0]);
        return w;
    }
    // Starts a coroutine on a loop.
    template <class Body>
    void on(int loop, Body body) {
        loops[std::size_t(loop)]->post([body] { io::spawn(body(), [](std::exception_ptr) {}); });
    }

    std::vector<std::unique_ptr<io::loop>> loops;
    std::unique_ptr<domain> shared;
    std::vector<pool_index> pools;

 private:
    std::vector<std::thread> threads_;
};

}  // namespace penstock::gateway
