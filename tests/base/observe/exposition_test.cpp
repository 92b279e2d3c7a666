// The reader of exposition.hpp, and that it does refuse what is malformed.
#include "exposition.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace penstock::observe::tests {
namespace {

[[noreturn]] void fail(std::string_view what, std::string_view line) {
    throw std::runtime_error(std::string(what) + ": " + std::string(line));
}

bool is_name(std::string_view text) {
    if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
    return text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:"
           ) == std::string_view::npos;
}

double parse_number(const std::string& text, std::string_view line) {
    if (text == "+Inf") return std::numeric_limits<double>::infinity();
    std::size_t used = 0;
    double value = 0;
    try {
        value = std::stod(text, &used);
    } catch (const std::exception&) {
        fail("not a number", line);
    }
    if (used != text.size() || std::isnan(value)) fail("not a number", line);
    return value;
}

struct sample {
    std::string name;
    label_map labels;
    double value = 0;
};

sample parse_sample(std::string_view line) {
    sample made;
    std::size_t at = line.find_first_of("{ ");
    if (at == line.npos) fail("no value", line);
    made.name = line.substr(0, at);
    if (!is_name(made.name)) fail("not a name", line);
    if (line[at] == '{') {
        ++at;
        while (at < line.size() && line[at] != '}') {
            const auto equals = line.find("=\"", at);
            if (equals == line.npos) fail("no label value", line);
            const std::string name(line.substr(at, equals - at));
            std::string value;
            for (at = equals + 2; at < line.size() && line[at] != '"'; ++at) {
                if (line[at] == '\\' && ++at < line.size() && line[at] == 'n')
                    value += '\n';
                else
                    value += line[at];
            }
            if (!is_name(name) || !made.labels.emplace(name, value).second) fail("bad label", line);
            if (++at < line.size() && line[at] == ',') ++at;
        }
        ++at;
    }
    if (at >= line.size() || line[at] != ' ') fail("no value", line);
    made.value = parse_number(std::string(line.substr(at + 1)), line);
    return made;
}

void check_histogram(const std::string& name, const parsed_family& family) {
    std::map<label_map, std::map<double, double>> buckets;
    for (const auto& [key, value] : family.samples) {
        if (key.first != name + "_bucket") continue;
        label_map labels = key.second;
        const double le = parse_number(labels.at("le"), name);
        labels.erase("le");
        buckets[labels][le] = value;
    }
    std::size_t parts = 0;
    for (const auto& [labels, by_bound] : buckets) {
        double before = 0;
        for (const auto& [le, count] : by_bound) {
            if (count < before) fail("falling buckets", name);
            before = count;
        }
        if (!std::isinf(by_bound.rbegin()->first)) fail("no +Inf bucket", name);
        const auto count = family.samples.find({name + "_count", labels});
        const auto sum = family.samples.find({name + "_sum", labels});
        if (count == family.samples.end() || sum == family.samples.end())
            fail("no sum or count", name);
        if (count->second != before) fail("count is not that of the buckets", name);
        if (count->second == 0 && sum->second != 0) fail("a sum of nothing", name);
        parts += by_bound.size() + 2;
    }
    if (parts != family.samples.size()) fail("stray samples", name);
}

}  // namespace

std::optional<double> exposition::value(
    const std::string& name, const label_map& labels, std::string_view suffix
) const {
    const auto family = families.find(name);
    if (family == families.end()) return {};
    const auto found = family->second.samples.find({name + std::string(suffix), labels});
    if (found == family->second.samples.end()) return {};
    return found->second;
}

exposition parse_exposition(std::string_view text) {
    exposition made;
    if (!text.empty() && text.back() != '\n') fail("no newline at the end", text.substr(0, 0));
    std::istringstream lines{std::string(text)};
    std::string current;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("# HELP ") || line.starts_with("# TYPE ")) {
            const auto space = line.find(' ', 7);
            if (space == line.npos) fail("nothing said", line);
            const std::string name = line.substr(7, space - 7), rest = line.substr(space + 1);
            if (line[2] == 'H') {
                if (!is_name(name) || made.families.contains(name)) fail("family twice", line);
                made.families[name].help = rest;
                current = name;
            } else {
                if (name != current || !made.families[name].type.empty()) fail("stray TYPE", line);
                made.families[name].type = rest;
            }
            continue;
        }
        const sample read = parse_sample(line);
        auto family = made.families.find(current);
        if (family == made.families.end() || family->second.type.empty()) fail("no TYPE", line);
        const std::string suffix =
            read.name.starts_with(current) ? read.name.substr(current.size()) : "?";
        const bool is_part = suffix == "_bucket" || suffix == "_sum" || suffix == "_count";
        if (family->second.type == "histogram" ? !is_part : !suffix.empty())
            fail("a sample of another family", line);
        for (const auto& [name, value] : read.labels)
            if (name != "le") family->second.label_names.insert(name);
        if (!family->second.samples.emplace(std::pair(read.name, read.labels), read.value).second)
            fail("sample twice", line);
    }
    for (const auto& [name, family] : made.families) {
        if (family.type != "counter" && family.type != "gauge" && family.type != "histogram")
            fail("unknown type", name);
        if (family.type == "counter" && !name.ends_with("_total")) fail("no _total", name);
        if (family.type == "histogram") check_histogram(name, family);
    }
    return made;
}

namespace {

TEST(exposition_reader, reads_a_label_with_escapes) {
    const auto read = parse_exposition("# HELP a x\n# TYPE a gauge\na{b=\"\\\"c\\\\,}\\n\"} 2\n");
    EXPECT_EQ(read.value("a", {{"b", "\"c\\,}\n"}}), 2);
}

TEST(exposition_reader, refuses_what_is_malformed) {
    const std::string h = "# HELP h x\n# TYPE h histogram\n";
    const std::vector<std::string> malformed{
        "a 1\n",
        "# HELP a x\na 1\n",
        "# HELP a x\n# TYPE a gauge\na 1",
        "# HELP a x\n# TYPE a gauge\na one\n",
        "# HELP a x\n# TYPE a gauge\na 1\na 1\n",
        "# HELP a x\n# TYPE a gauge\nb 1\n",
        "# HELP a x\n# TYPE a gauge\na{b=\"c} 1\n",
        "# HELP a x\n# TYPE a thing\n",
        "# HELP a x\n# TYPE a counter\n",
        h + "h_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n",
        h + "h_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n",
        h + "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 2\n",
        h + "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_count 1\n",
    };
    for (const auto& text : malformed)
        EXPECT_THROW(parse_exposition(text), std::runtime_error) << text;
    EXPECT_NO_THROW(
        parse_exposition(h + "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n")
    );
}

}  // namespace
}  // namespace penstock::observe::tests
