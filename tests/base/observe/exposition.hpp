// A strict reader of the Prometheus text format, for tests: what it does not understand is a
// failure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace penstock::observe::tests {

using label_map = std::map<std::string, std::string>;

struct parsed_family {
    std::string type, help;
    std::set<std::string> label_names;  // `le` left out
    // By name of the sample (with _bucket, _sum, _count) and its labels.
    std::map<std::pair<std::string, label_map>, double> samples;
};

struct exposition {
    std::map<std::string, parsed_family> families;

    // Of a counter or gauge, or with the sample's own name of a part of a histogram.
    std::optional<double> value(
        const std::string& name, const label_map& labels, std::string_view suffix = {}
    ) const;
};

// Throws std::runtime_error that names the line and what is wrong with it; checks that every family
// has HELP and TYPE, that no sample stands twice, and that the buckets of every histogram rise, end
// with +Inf and agree with its count.
exposition parse_exposition(std::string_view text);

}  // namespace penstock::observe::tests
