// A template that searches a user's text: right for every short text, and in linear time for the
// long ones that were made to be slow.
#include "rendering.hpp"
#include "worker/text/jinja/find_bytes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <random>

namespace penstock::worker {
namespace {

using jinja::bytes_from_the_end;
using jinja::find_bytes;
using jinja::rfind_bytes;

TEST(jinja_search, finds_what_the_standard_library_finds) {
    std::mt19937 random(1);
    const auto any = [&](std::size_t longest) {
        std::string made(random() % (longest + 1), 'a');
        for (char& c : made)
            c = static_cast<char>('a' + random() % 2);
        return made;
    };
    for (int i = 0; i < 20'000; ++i) {
        const std::string all = any(20), wanted = any(4);
        ASSERT_EQ(find_bytes(all, wanted), all.find(wanted)) << all << " " << wanted;
        ASSERT_EQ(rfind_bytes(all, wanted), all.rfind(wanted)) << all << " " << wanted;
        const std::size_t end = random() % (all.size() + 1);
        const std::size_t last =
            end < wanted.size() ? std::string::npos : all.rfind(wanted, end - wanted.size());
        ASSERT_EQ(bytes_from_the_end(all, wanted).find(end), last) << all << " " << wanted;
    }
}

TEST(jinja_search, cuts_from_either_end) {
    EXPECT_EQ(render("{{ 'aaaaa'.split('aa') }}"), "['', '', 'a']");
    EXPECT_EQ(render("{{ 'aaaaa'.rsplit('aa') }}"), "['a', '', '']");
    EXPECT_EQ(render("{{ 'a.b.c.d'.rsplit('.', 2) }}"), "['a.b', 'c', 'd']");
    EXPECT_EQ(render("{{ 'a'.rsplit('abc') }}"), "['a']");
    EXPECT_EQ(render("{{ 'aaa'.rpartition('aa') }}"), "('a', 'aa', '')");
    EXPECT_EQ(render("{{ 'aaa'.rfind('aa') }}, {{ 'aaa'.rfind('') }}"), "1, 3");
    EXPECT_EQ(render("{{ 'äöxäö'.strip('öä') }}|{{ 'xyx'.rstrip('x') }}"), "x|xy");
    EXPECT_EQ(render("{{ 'xyx'.strip('') }}"), "xyx");
}

double cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Of a text of this size and a part of half of it, that differ as late as possible: the best of
// several, since others use the machine, too.
double seconds_of(std::string_view expression, std::size_t size) {
    const std::string half(size / 2, 'a');
    const auto parsed =
        jinja::program::parse("{{ (" + std::string(expression) + ") | length }}", {}, {});
    const boost::json::object values{
        {"all", half + half},
        {"late", half + "b"},   // differs at its end
        {"early", "b" + half},  // at its beginning
        {"inside", half.substr(1 + size / 4) + "b" + half.substr(size / 4)},
    };
    double best = 1e9;
    for (int i = 0; i < 5; ++i) {
        const double begin = cpu_seconds();
        const auto rendered = parsed.value().render(values, {});
        best = std::min(best, cpu_seconds() - begin);
        EXPECT_FALSE(rendered.has_error()) << rendered.error().detail;
    }
    return best;
}

TEST(jinja_search, takes_four_times_as_long_for_four_times_the_text) {
    constexpr std::size_t size = 1 << 16;
    for (const char* wanted : {"late", "early", "inside"})
        for (const std::string call : {
                 "[all.find(W)]",
                 "[all.rfind(W)]",
                 "[all.count(W)]",
                 "[W in all]",
                 "all.replace(W, '')",
                 "all.split(W)",
                 "all.rsplit(W)",
                 "all.partition(W)",
                 "all.rpartition(W)",
                 "all.strip(W)",
             }) {
            std::string expression = call;
            expression.replace(expression.find('W'), 1, wanted);
            const double small = seconds_of(expression, size);
            // Linear is 4, their product is 16.
            EXPECT_LT(seconds_of(expression, 4 * size), 9 * small + 1e-4) << expression;
        }
}

}  // namespace
}  // namespace penstock::worker
