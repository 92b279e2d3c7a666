// The baselines, and what is in the catalogue.
#include "simulator/policies.hpp"

#include "policies/catalogue.hpp"
#include "simulator/baselines/codel_lifo.hpp"
#include "simulator/baselines/fifo.hpp"
#include "simulator/baselines/forward_everything.hpp"
#include "simulator/baselines/gradient2.hpp"
#include "simulator/baselines/scraped_gate.hpp"

namespace penstock::simulator {
namespace {

template <class Baseline>
std::unique_ptr<admission_policy>
make_baseline(const domain_spec& spec, time_point now, const admission::tuning&) {
    auto made = std::make_unique<Baseline>();
    made->settings_changed(spec, now);
    return made;
}

constexpr policy_row baselines[] = {
    {"forward_everything", make_baseline<forward_everything>, {}, true},
    {"fifo", make_baseline<fifo>, {}, true},
    {"codel_lifo", make_baseline<codel_lifo>, {}, true},
    {"gradient2", make_baseline<gradient2>, {}, true},
    {"scraped_gate", make_baseline<scraped_gate>, scraped_gate::scrape_every, true},
};

}  // namespace

const std::vector<policy_row>& policies() {
    static const std::vector<policy_row> all = [] {
        std::vector<policy_row> rows;
        rows.reserve(penstock::policies::admission_policies.size() + std::size(baselines));
        for (const auto& each : penstock::policies::admission_policies)
            rows.push_back({each.name, each.make, {}, false});
        rows.insert(rows.end(), std::begin(baselines), std::end(baselines));
        return rows;
    }();
    return all;
}

const policy_row* find_policy(std::string_view name) {
    for (const policy_row& each : policies())
        if (each.name == name) return &each;
    return nullptr;
}

}  // namespace penstock::simulator
