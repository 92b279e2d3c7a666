// Which policies a run can be made with: those of the catalogue and the baselines.
#pragma once

#include "simulator/run.hpp"

#include <string_view>
#include <vector>

namespace penstock::simulator {

struct policy_row {
    std::string_view name;
    make_policy make;
    duration scrape_every;  // how often it wants engines scraped; 0: as the gateway does
    bool baseline;
};

// The catalogue's first, in its order.
const std::vector<policy_row>& policies();
// Null when there is none of that name.
const policy_row* find_policy(std::string_view name);

}  // namespace penstock::simulator
