// Figures for people and for programs.
#pragma once

#include "simulator/figures.hpp"
#include "simulator/plot.hpp"
#include "simulator/reference.hpp"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <vector>

namespace penstock::simulator {

// One run beside others under the same load.
struct column {
    std::string name;  // "penstock.yaml, little"
    capacity full;     // of its engines; 0: not known
    simulator::figures figures;
    std::optional<overload_figures> overload;
};

// A figure a line, a column a run. Times in the unit that they are read in; "never" where a share
// of the requests did not come to it.
std::string to_table(const std::vector<column>& columns);

// {"name": …, "goodput": …, "classes": {"realtime": {…}}, "refused": {"queue_full": 3}, …};
// seconds; null where it never came or was not measured.
boost::json::object to_json(const column& one);

// Good requests a second over the time of their arrival, in steps of five seconds, of the window.
series goodput_over_time(const std::string& name, const run_result& run, const domain_spec& spec);

}  // namespace penstock::simulator
