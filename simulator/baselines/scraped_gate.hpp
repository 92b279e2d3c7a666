// The baseline of a gate on scraped metrics: the queue is here and realtime strictly first, and it
// opens while the mean of max(queue ÷ 5, memory ÷ 0.8) over the replicas, as last scraped, is below
// one. Among the replicas its own counts choose, which is kind to it. Who has waited for the target
// of its class is refused.
#pragma once

#include "simulator/baselines/gate.hpp"

#include <algorithm>

namespace penstock::simulator {

class scraped_gate final : public gate {
 public:
    // How often the engines must be scraped for it.
    static constexpr duration scrape_every = std::chrono::milliseconds(50);

    scraped_gate() : gate({.realtime_first = true}) {}

    indices settings_changed(const domain_spec& spec, time_point now) override {
        for (std::size_t i = 0; i < num_classes; ++i)
            how().timeout[i] = spec.classes[i].ttft;
        return gate::settings_changed(spec, now);
    }

 private:
    bool takes(const replica&) const override {
        double sum = 0;
        int up = 0;
        for (const replica& each : all_replicas()) {
            if (!each.listed || !each.up) continue;
            sum += saturation(each);
            ++up;
        }
        return up > 0 && sum / up < 1;
    }

    static double saturation(const replica& r) {
        return std::max(r.scraped.waiting / 5, r.scraped.kv_used / 0.8);
    }
};

}  // namespace penstock::simulator
