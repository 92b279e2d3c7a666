// The tables beside the types.
#include "gateway/settings/rules.hpp"

#include "gateway/settings/reflect.hpp"

#include <gtest/gtest.h>

namespace penstock::settings {
namespace {

TEST(rules, name_a_range_for_every_number_that_holds_its_default) {
    int num_numbers = 0;
    tree::for_each_setting([&](const std::string& pattern, const tree::value& standard) {
        const auto check = [&](double number, bool is_time, bool is_share) {
            const range& allowed = range_of(setting_key(pattern));
            EXPECT_GE(number, allowed.least) << pattern;
            EXPECT_LE(number, allowed.most) << pattern;
            EXPECT_EQ(allowed.in == unit::time, is_time) << pattern;
            EXPECT_EQ(allowed.in == unit::share, is_share) << pattern;
            ++num_numbers;
        };
        if (const auto* n = std::get_if<std::uint32_t*>(&standard.as)) {
            check(**n, false, false);
            EXPECT_LE(range_of(setting_key(pattern)).most, 4294967295.0) << pattern;
        }
        if (const auto* n = std::get_if<std::uint64_t*>(&standard.as))
            check(static_cast<double>(**n), false, false);
        if (const auto* n = std::get_if<double*>(&standard.as)) check(**n, false, true);
        if (const auto* n = std::get_if<duration*>(&standard.as))
            check(static_cast<double>((*n)->count()), true, false);
    });
    EXPECT_GT(num_numbers, 40);
}

TEST(rules, give_settings_of_pools_and_replicas_one_name) {
    EXPECT_EQ(setting_key("models.*.versions.*.pools.*.replicas[].slots"), "replicas[].slots");
    EXPECT_EQ(setting_key("models.*.replicas[].slots"), "replicas[].slots");
    EXPECT_EQ(setting_key("models.*.pools.*.context"), "pools.*.context");
    EXPECT_EQ(setting_key("models.*.versions.*.pools.*.replicas"), "pools.*.replicas");
    EXPECT_EQ(setting_key("models.*.replicas"), "models.*.replicas");
    EXPECT_EQ(setting_key("timeouts.total"), "timeouts.total");
}

// A planned setting that has been built must leave the table of planned ones.
TEST(rules, plan_nothing_that_exists) {
    tree::for_each_setting([](const std::string& pattern, const tree::value&) {
        EXPECT_FALSE(is_planned(setting_key(pattern))) << pattern;
    });
}

}  // namespace
}  // namespace penstock::settings
