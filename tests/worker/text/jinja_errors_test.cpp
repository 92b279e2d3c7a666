// What a template may not do, and where it is told so.
#include "worker/text/rendering.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::worker {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string repeated(std::string_view what, int times) {
    std::string out;
    for (int i = 0; i < times; ++i)
        out += what;
    return out;
}

TEST(jinja_errors, of_the_language_name_the_line) {
    const std::pair<std::string_view, std::string_view> examples[] = {
        {"\n\n{{ x | nonsense }}", "line 3: there is no filter 'nonsense'"},
        {"\n{{ x is nonsense }}", "line 2: there is no test 'nonsense'"},
        {"a\n{% nonsense %}", "line 2: there is no tag 'nonsense'"},
        {"{% include 'x' %}", "line 1: there is no tag 'include'"},
        {"{% if x %}\n\n", "'endif' is missing"},
        {"{{ 'x }}", "line 1: a string does not end"},
        {"{{ x ", "line 1: a tag does not end"},
        {"\n{# x", "line 2: a comment does not end"},
        {"{% raw %}x", "line 1: a raw block does not end"},
        {"{{ f(*x) }}", "line 1: arguments by * and ** are not supported"},
        {"{{ [1, 2) }}", "line 1: unexpected ')'"},
        {"{% break %}", "line 1: 'break' and 'continue' need a loop"},
        {"{{ '\\N{DASH}' }}", "line 1: an escape in a string is not valid"},
        {"{{ 99999999999999999999 }}", "line 1: an integer is beyond 64 bits"},
    };
    for (const auto& [source, message] : examples)
        EXPECT_THAT(render(source), HasSubstr(message)) << source;
}

TEST(jinja_errors, of_a_rendering_name_the_line) {
    EXPECT_EQ(render("\n{{ x.y }}"), "error: line 2: 'x' is undefined");
    EXPECT_EQ(
        render("{% set d = {} %}\n\n{{ d.a.b }}"),
        "error: line 3: 'dict object' has no attribute 'a'"
    );
    EXPECT_EQ(render("\n{{ [1][5].b }}"), "error: line 2: list object has no element 5");
    EXPECT_EQ(
        render("{{ 'a' + 1 }}"), "error: line 1: unsupported operand types for +: 'str' and 'int'"
    );
    EXPECT_EQ(render("{{ 1 // 0 }}"), "error: line 1: division by zero");
    EXPECT_EQ(
        render("{{ [].append(1) }}"),
        "error: line 1: access to attribute 'append' of 'list' object is unsafe."
    );
}

TEST(jinja_errors, of_raise_exception_are_its_text) {
    EXPECT_EQ(
        render("{{ raise_exception('Unknown role ' ~ r) }}", R"({"r": "x"})"),
        "error: Unknown role x"
    );
}

TEST(jinja_errors, end_what_would_not_end) {
    const jinja::limits few{.output_bytes = 1000, .steps = 10'000, .depth = 16};
    EXPECT_THAT(
        render(
            "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}",
            "{}",
            few
        ),
        HasSubstr("takes more than 10000 steps")
    );
    EXPECT_THAT(
        render("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "{}", few),
        HasSubstr("nests deeper than 16 levels")
    );
    EXPECT_THAT(
        render("{% for i in range(99) %}0123456789ABCDEF{% endfor %}", "{}", few),
        HasSubstr("makes more than 1000 bytes of text")
    );
}

TEST(jinja_errors, end_what_would_grow) {
    const jinja::limits few{.output_bytes = 1000, .steps = 100'000, .depth = 16};
    for (const std::string_view source : {
             "{{ 'x' * 1001 }}",
             "{{ 'x' * 99999999999 }}",
             "{{ [1] * 99999999999 }}",
             "{{ ('x' * 100).replace('x', 'y' * 100) }}",
             "{{ ['x' * 100, 'y'] | join('z' * 950) }}",
             "{{ 'x'.center(5000) }}",
             "{{ '%5000s' % 'x' }}",
             "{{ '{:5000}'.format('x') }}",
             "{{ ('\\n' * 500) | indent(50, blank=true) }}",
             "{% set ns = namespace(x='x') %}{% for i in range(20) %}{% set ns.x = ns.x + ns.x "
             "%}{% endfor %}",
             "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x "
             "%}{% endfor %}",
             "{% set ns = namespace(x=[]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] "
             "%}{% endfor %}",
             "{% set ns = namespace(x=[]) %}{% for i in range(14) %}{% set ns.x = [ns.x, ns.x, "
             "ns.x] %}{% endfor %}{{ ns.x | tojson | length }}",
             "{{ 10 ** 999 }}",
             "{{ range(100001) }}",
         })
        EXPECT_THAT(render(source, "{}", few), StartsWith("error: line 1: ")) << source;
}

TEST(jinja_errors, come_from_nesting_and_not_from_length) {
    EXPECT_THAT(
        render("{{ " + repeated("(", 100'000) + repeated(")", 100'000) + " }}"),
        HasSubstr("nests too deep")
    );
    EXPECT_THAT(
        render("{{ " + repeated("[", 100'000) + repeated("]", 100'000) + " }}"),
        HasSubstr("nests too deep")
    );
    EXPECT_THAT(render("{{ " + repeated("-", 100'000) + "1 }}"), HasSubstr("nests too deep"));
    EXPECT_THAT(render("{{ " + repeated("not ", 100'000) + "1 }}"), HasSubstr("nests too deep"));
    EXPECT_THAT(render("{{ x" + repeated(".x", 100'000) + " }}"), HasSubstr("nests too deep"));
    EXPECT_THAT(render("{{ x" + repeated("|list", 100'000) + " }}"), HasSubstr("nests too deep"));
    EXPECT_THAT(render("{{ 1" + repeated(" if 1", 100'000) + " }}"), HasSubstr("nests too deep"));
    EXPECT_THAT(render(repeated("{% if 1 %}", 100'000)), HasSubstr("nests too deep"));
    EXPECT_THAT(
        render("{% for " + repeated("(", 100'000) + repeated(")", 100'000) + " %}"),
        HasSubstr("nests too deep")
    );
    EXPECT_EQ(render("{{ 1" + repeated(" + 1", 10'000) + " }}"), "10001");
    EXPECT_EQ(render("{{ 'a'" + repeated(" ~ 'a'", 10'000) + " }}").size(), 10'001u);
    EXPECT_EQ(
        render("{% if 0 %}" + repeated("{% elif 0 %}", 10'000) + "{% else %}x{% endif %}"), "x"
    );
    EXPECT_EQ(render("{{ " + repeated("(", 40) + "1" + repeated(")", 40) + " }}"), "1");
    EXPECT_THAT(
        render("{{ ['a'] | map(" + repeated("'map', ", 500) + "'list') | list }}"),
        HasSubstr("nests filters too deep")
    );
}

TEST(jinja_errors, come_from_values_that_nest_too_deep) {
    std::string deep = "1";
    for (int i = 0; i < 30; ++i)
        deep = "[" + deep + "]";
    EXPECT_THAT(
        render("{{ v }}", R"({"v": )" + deep + "}", {.depth = 16}), HasSubstr("deeper than 16")
    );
}

}  // namespace
}  // namespace penstock::worker
