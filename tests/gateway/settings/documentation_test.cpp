// docs/configuration.md says every setting with its default, and no other.
#include "gateway/settings/loading.hpp"
#include "gateway/settings/print.hpp"
#include "gateway/settings/rules.hpp"

#include <gtest/gtest.h>

#include <map>
#include <sstream>

namespace penstock::settings {
namespace {

struct row {
    std::string unit;
    std::string standard;
    std::string reason;
};

std::string trimmed(const std::string& text) {
    const std::size_t begin = text.find_first_not_of(" `");
    const std::size_t end = text.find_last_not_of(" `");
    return begin == std::string::npos ? "" : text.substr(begin, end - begin + 1);
}

// Rows look like: | `timeouts.total` | duration | `10m` | why |
std::map<std::string, row> documented() {
    std::map<std::string, row> rows;
    std::istringstream text(text_of(repository() / "docs" / "configuration.md"));
    for (std::string line; std::getline(text, line);) {
        if (!line.starts_with("| `")) continue;
        std::istringstream cells(line.substr(1));
        std::string name, unit, standard, reason;
        std::getline(cells, name, '|');
        std::getline(cells, unit, '|');
        std::getline(cells, standard, '|');
        std::getline(cells, reason, '|');
        const row made{trimmed(unit), trimmed(standard), trimmed(reason)};
        EXPECT_TRUE(rows.emplace(trimmed(name), made).second) << name << " is documented twice";
    }
    return rows;
}

// Containers of settings that have rows of their own need none.
bool has_row(const tree::value& of) {
    return !std::holds_alternative<tree::record>(of.as);
}

TEST(documentation, has_a_row_for_every_setting_with_its_default) {
    const auto rows = documented();
    tree::for_each_setting([&](const std::string& pattern, const tree::value& standard) {
        const std::string key(setting_key(pattern));
        if (!has_row(standard) || key.ends_with("[]")) return;
        const auto found = rows.find(key);
        if (found == rows.end()) {
            ADD_FAILURE() << key << " is not documented";
            return;
        }
        const trait kind = trait_of(key);
        const std::string expected = kind.required ? "required" : inline_text(standard, key);
        EXPECT_EQ(found->second.standard, expected) << key;
        EXPECT_FALSE(found->second.unit.empty()) << key;
        EXPECT_FALSE(found->second.reason.empty()) << key;
    });
}

TEST(documentation, has_no_row_for_anything_else) {
    std::map<std::string, bool> known;
    tree::for_each_setting([&](const std::string& pattern, const tree::value&) {
        known[std::string(setting_key(pattern))] = true;
    });
    const auto rows = documented();
    EXPECT_GT(rows.size(), 60u);
    for (const auto& [name, row] : rows)
        EXPECT_TRUE(known.contains(name)) << name;
}

TEST(documentation, says_the_range_of_every_number) {
    const auto rows = documented();
    tree::for_each_setting([&](const std::string& pattern, const tree::value& standard) {
        const bool is_number = std::holds_alternative<std::uint32_t*>(standard.as) ||
                               std::holds_alternative<std::uint64_t*>(standard.as) ||
                               std::holds_alternative<double*>(standard.as) ||
                               std::holds_alternative<duration*>(standard.as);
        if (!is_number) return;
        const range& allowed = range_of(setting_key(pattern));
        const std::string text = format_number(allowed.least, allowed.in) + " to " +
                                 format_number(allowed.most, allowed.in);
        const auto found = rows.find(std::string(setting_key(pattern)));
        ASSERT_NE(found, rows.end()) << pattern;
        EXPECT_NE(found->second.unit.find(text), std::string::npos) << pattern << ": " << text;
    });
}

}  // namespace
}  // namespace penstock::settings
