// Numbers with units.
#include "gateway/settings/scalars.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace penstock::settings {
namespace {

using namespace std::chrono_literals;

TEST(scalars, reads_every_unit_of_time) {
    EXPECT_EQ(parse_duration("7ns"), 7ns);
    EXPECT_EQ(parse_duration("7us"), 7us);
    EXPECT_EQ(parse_duration("500ms"), 500ms);
    EXPECT_EQ(parse_duration("2s"), 2s);
    EXPECT_EQ(parse_duration("10m"), 10min);
    EXPECT_EQ(parse_duration("1h"), 1h);
    EXPECT_EQ(parse_duration("30d"), 720h);
    EXPECT_EQ(parse_duration("0s"), 0s);
}

TEST(scalars, refuses_a_duration_without_a_unit_or_with_anything_more) {
    for (const char* text :
         {"", "5", "s", "-1s", "+1s", "1.5s", "1 s", " 1s", "1s ", "1S", "1m30s"})
        EXPECT_EQ(parse_duration(text), std::nullopt) << text;
}

TEST(scalars, reads_bytes_in_powers_of_1024) {
    EXPECT_EQ(parse_amount("17", unit::bytes), 17u);
    EXPECT_EQ(parse_amount("16Ki", unit::bytes), 16384u);
    EXPECT_EQ(parse_amount("32Mi", unit::bytes), 33554432u);
    EXPECT_EQ(parse_amount("2Gi", unit::bytes), 2147483648u);
    for (const char* text : {"16k", "16KB", "16K", "1.5Mi", "-1", "0x10", "16 Ki"})
        EXPECT_EQ(parse_amount(text, unit::bytes), std::nullopt) << text;
}

TEST(scalars, reads_tokens_with_k_as_1024) {
    EXPECT_EQ(parse_amount("8k", unit::tokens), 8192u);
    EXPECT_EQ(parse_amount("128k", unit::tokens), 131072u);
    EXPECT_EQ(parse_amount("1M", unit::tokens), 1048576u);
    EXPECT_EQ(parse_amount("8Ki", unit::tokens), std::nullopt);
    EXPECT_EQ(parse_amount("8k", unit::count), std::nullopt);
}

TEST(scalars, takes_what_is_too_large_as_the_largest) {
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    EXPECT_EQ(parse_amount("99999999999999999999999", unit::count), most);
    EXPECT_EQ(parse_amount("99999999999999999Ti", unit::bytes), most);
    EXPECT_EQ(parse_duration("99999999999999999d"), duration::max());
}

TEST(scalars, reads_shares_with_and_without_percent) {
    EXPECT_DOUBLE_EQ(parse_share("10%").value(), 0.1);
    EXPECT_DOUBLE_EQ(parse_share("0.1").value(), 0.1);
    EXPECT_DOUBLE_EQ(parse_share("12.5%").value(), 0.125);
    for (const char* text : {"", "%", "ten", "0.1x", "10 %", "nan", "inf", "1e-1"})
        EXPECT_EQ(parse_share(text), std::nullopt) << text;
}

TEST(scalars, prints_the_shortest_exact_form) {
    EXPECT_EQ(format_duration(90s), "90s");
    EXPECT_EQ(format_duration(120s), "2m");
    EXPECT_EQ(format_duration(1500ms), "1500ms");
    EXPECT_EQ(format_duration(48h), "2d");
    EXPECT_EQ(format_duration(0s), "0s");
    EXPECT_EQ(format_amount(16384, unit::bytes), "16Ki");
    EXPECT_EQ(format_amount(16385, unit::bytes), "16385");
    EXPECT_EQ(format_amount(131072, unit::tokens), "128k");
    EXPECT_EQ(format_amount(16384, unit::count), "16384");
    EXPECT_EQ(format_amount(0, unit::bytes), "0");
    EXPECT_EQ(format_share(0.1), "10%");
    EXPECT_EQ(format_share(0.125), "0.125");
}

TEST(scalars, reads_back_what_it_prints) {
    std::uint64_t n = 88172645463325252u;
    for (int i = 0; i < 20'000; ++i) {
        n ^= n << 13, n ^= n >> 7, n ^= n << 17;
        const std::uint64_t number = n >> (i % 64);
        for (const unit in : {unit::count, unit::bytes, unit::tokens})
            ASSERT_EQ(parse_amount(format_amount(number, in), in), number);
        const duration time(static_cast<std::int64_t>(number >> 1));
        ASSERT_EQ(parse_duration(format_duration(time)), time);
        const double share = static_cast<double>(number % 100'001) / 100'000;
        ASSERT_EQ(parse_share(format_share(share)), share);
    }
}

}  // namespace
}  // namespace penstock::settings
