// docs/metrics.md and the shipped alert rules against what the process exposes, both ways.
#include "exposition.hpp"
#include "penstock/observe/metrics.hpp"
#include "samples.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>

namespace penstock::observe {
namespace {

using namespace tests;

std::string read_file(const std::string& path) {
    std::ifstream file(std::string(PENSTOCK_SOURCE_DIR) + "/" + path);
    EXPECT_TRUE(file) << path;
    return {std::istreambuf_iterator<char>(file), {}};
}

struct described {
    std::string type, unit;
    std::set<std::string> labels;
};

std::string trimmed(const std::string& text) {
    const auto first = text.find_first_not_of(" `"), last = text.find_last_not_of(" `");
    return first == text.npos ? std::string() : text.substr(first, last - first + 1);
}

// Rows of the form | `penstock_x` | type | unit | `a` `b` | meaning |, a dash for no labels.
std::map<std::string, described> documented() {
    std::map<std::string, described> made;
    std::istringstream lines(read_file("docs/metrics.md"));
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("| `penstock_")) continue;
        std::istringstream cells(line.substr(1));
        std::string name, type, unit, labels, meaning, label;
        for (std::string* cell : {&name, &type, &unit, &labels, &meaning})
            std::getline(cells, *cell, '|');
        EXPECT_FALSE(trimmed(meaning).empty()) << line;
        described& is = made[trimmed(name)];
        is = {trimmed(type), trimmed(unit), {}};
        std::istringstream words(labels);
        while (words >> label)
            if (label.starts_with('`')) is.labels.insert(trimmed(label));
    }
    return made;
}

exposition everything() {
    metrics all(1);
    auto& mine = all.of_thread(0);
    mine.finished(served_stream());
    mine.finished(refused_early());
    mine.retried("chat", "upstream_failed");
    mine.fell_back("chat", "no_replica", request_class::realtime, {});
    return parse_exposition(all.expose(full_input()));
}

TEST(metrics_docs, describe_every_metric_with_its_type_and_labels) {
    const auto docs = documented();
    for (const auto& [name, family] : everything().families) {
        ASSERT_FALSE(family.samples.empty()) << name << " has no sample in this test";
        const auto row = docs.find(name);
        ASSERT_NE(row, docs.end()) << name << " is not in docs/metrics.md";
        EXPECT_EQ(row->second.type, family.type) << name;
        EXPECT_EQ(row->second.labels, family.label_names) << name;
    }
}

TEST(metrics_docs, describe_no_metric_that_there_is_not) {
    const auto families = everything().families;
    const auto docs = documented();
    EXPECT_GT(docs.size(), 20u);
    for (const auto& [name, row] : docs)
        EXPECT_TRUE(families.contains(name)) << name;
}

TEST(metrics_docs, name_a_unit_that_the_name_ends_with) {
    for (const auto& [name, row] : documented())
        if (name.ends_with("_seconds"))
            EXPECT_EQ(row.unit, "seconds") << name;
        else
            EXPECT_NE(row.unit, "seconds") << name;
}

TEST(alert_rules, name_only_metrics_that_there_are) {
    const auto families = everything().families;
    const std::string rules = read_file("deploy/prometheus/penstock.rules.yaml");
    int seen = 0;
    for (auto at = rules.find("penstock_"); at != rules.npos;
         at = rules.find("penstock_", at + 1)) {
        const auto end = rules.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", at);
        std::string name = rules.substr(at, end - at);
        for (std::string_view part : {"_bucket", "_sum", "_count"})
            if (name.ends_with(part)) name.resize(name.size() - part.size());
        EXPECT_TRUE(families.contains(name)) << name;
        ++seen;
    }
    EXPECT_GT(seen, 0);
}

}  // namespace
}  // namespace penstock::observe
