// A load and an engine, as a person writes them in YAML. Every mistake with its line and field.
#pragma once

#include "gateway/settings/mistake.hpp"
#include "simulator/engine.hpp"
#include "simulator/load.hpp"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace penstock::simulator {

// "80": requests a second; "2.0C": multiples of the capacity of the engines, which is measured.
struct rate {
    double value = 0;
    bool of_capacity = false;
};

struct load_file {
    load_spec load;  // its rates are those below
    engine_model engine;
    rate mean{1, true};
    std::vector<rate> steps;  // of load.steps
};

using load_file_result = std::variant<load_file, std::vector<settings::mistake>>;

// Keys and defaults: docs/simulator.md.
load_file_result read_load(std::string_view yaml);

// "2.0C", "80"; nothing when it is neither.
std::optional<rate> parse_rate(std::string_view text);

}  // namespace penstock::simulator
