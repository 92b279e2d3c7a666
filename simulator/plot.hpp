// Lines over an axis, one panel below the other, one colour for each name in all of them.
#pragma once

#include "simulator/png.hpp"

#include <string>
#include <utility>
#include <vector>

namespace penstock::simulator {

struct series {
    std::string name;
    std::vector<std::pair<double, double>> points;  // in order of x
};

// Both axes begin at zero. Text is drawn in capitals.
struct panel {
    std::string title, x_label;
    std::vector<series> lines;
};

picture draw(const std::vector<panel>& panels);

}  // namespace penstock::simulator
