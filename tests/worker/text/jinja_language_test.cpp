// What templates print. tests/conformance/worker_text compares more of it with Jinja2 itself.
#include "worker/text/rendering.hpp"

#include <gtest/gtest.h>

namespace penstock::worker {
namespace {

struct example {
    std::string_view source, expected;
};

void expect_all(std::initializer_list<example> examples, std::string_view values = "{}") {
    for (const auto& [source, expected] : examples)
        EXPECT_EQ(render(source, values), expected) << source;
}

TEST(jinja, takes_the_line_end_behind_a_block_and_the_white_space_before_it) {
    expect_all({
        {"a\n  {% if true %}\nb\n  {% endif %}\nc\n", "a\nb\nc"},
        {"a\n  {{ 1 }}\n", "a\n  1"},
        {"a {%- if true -%} \n b \n {%- endif %} c", "ab c"},
        {"  {%+ if true %}x{% endif %}", "  x"},
        {"{% if true +%}\nx{% endif %}", "\nx"},
        {"x{# gone #}\ny", "xy"},
        {"  {# gone #}\ny", "y"},
        {"a\r\nb\rc", "a\nb\nc"},
        {"{% raw %}{{ x }}{% endraw %}", "{{ x }}"},
    });
}

TEST(jinja, prints_values_as_python_does) {
    expect_all({
        {"{{ true }} {{ none }} {{ 1.0 }} {{ 1e16 }} {{ 0.0001 }} {{ 1e-5 }}",
         "True None 1.0 1e+16 0.0001 1e-05"},
        {"{{ {'a': [1, 'it\\'s', none]} }}", "{'a': [1, \"it's\", None]}"},
        {"{{ (1,) }}{{ () }}", "(1,)()"},
        {"{{ '\\u00e9\\x41\\n'|list }}", "['é', 'A', '\\n']"},
        {"{{ undefined_name }}", ""},
    });
}

TEST(jinja, divides_downwards) {
    expect_all({
        {"{{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ -7.5 % 2 }}", "-4 2 3.5 0.5"},
        {"{{ 2 ** 3 ** 2 }} {{ -2 ** 2 }}", "64 4"},
    });
}

TEST(jinja, tells_none_from_undefined) {
    expect_all(
        {
            {"{{ no is none }}{{ no is defined }}{{ nope is none }}{{ nope is defined }}",
             "TrueTrueFalseFalse"},
            {"{{ no == nope }}", "False"},
            {"[{{ no.x }}]", "[]"},
            {"{{ nope | default('d') }}{{ no | default('d') }}", "dNone"},
        },
        R"({"no": null})"
    );
}

TEST(jinja, keeps_a_loops_variables_inside) {
    expect_all({
        {"{% set x = 0 %}{% for i in [1, 2] %}{{ x }}{% set x = i %}{% endfor %}{{ x }}", "000"},
        {"{% set ns = namespace(x=0) %}{% for i in [1, 2] %}{% set ns.x = ns.x + i %}{% endfor "
         "%}{{ ns.x }}",
         "3"},
        {"{% for i in [1, 2, 3][::-1] %}{{ i }}{{ loop.last }}{% if i == 2 %}{% break %}{% endif "
         "%}{% endfor %}",
         "3False2False"},
    });
}

TEST(jinja, calls_macros_with_what_stands_around_them_when_they_are_called) {
    expect_all({
        {"{% macro m(a, b=a) %}{{ a }}{{ b }}{{ late }}{% endmacro %}{% set late = '!' %}{{ m(1) "
         "}}{{ m(1, b=2) }}",
         "11!12!"},
        {"{% set ns = namespace() %}{% for i in [1, 2] %}{% macro m() %}{{ i }}{% endmacro %}{% if "
         "i == 1 %}{% set ns.m = m %}{% endif %}{% endfor %}{{ ns.m() }}",
         "1"},
        {"{% macro m() %}<{{ caller('x') }}>{% endmacro %}{% call(a) m() %}{{ a }}y{% endcall %}",
         "<xy>"},
    });
}

TEST(jinja, writes_json_as_pythons_json_dumps) {
    expect_all(
        {
            {"{{ v | tojson }}", R"({"é": [1, 1.0, 1e+16, true, null, "<\"\\\n\u0001>"], "b": {}})"
            },
            {"{{ v.b | tojson }}{{ [] | tojson(indent=2) }}", "{}[]"},
            {"{{ {'b': 1, 'a': [2]} | tojson(indent=2, sort_keys=true) }}",
             "{\n  \"a\": [\n    2\n  ],\n  \"b\": 1\n}"},
            {"{{ {'b': 1, 'a': 2} | tojson(separators=(',', ':')) }}", R"({"b":1,"a":2})"},
        },
        R"({"v": {"é": [1, 1.0, 1e16, true, null, "<\"\\\n\u0001>"], "b": {}}})"
    );
}

TEST(jinja, counts_in_characters_and_not_in_bytes) {
    expect_all(
        {{"{{ u | length }}{{ u[1] }}{{ u[::-1] }}{{ u[-2:] }}{{ u.find('🙂') }}", "3é🙂éаé🙂2"}},
        R"({"u": "аé🙂"})"
    );
}

TEST(jinja, knows_the_largest_integers_of_json) {
    expect_all(
        {{"{{ n }} {{ n + 1 }} {{ [n] | tojson }}",
          "18446744073709551615 18446744073709551616 [18446744073709551615]"}},
        R"({"n": 18446744073709551615})"
    );
}

TEST(jinja, gives_generators_out_once) {
    expect_all({
        {"{% set g = [1, 2] | map('string') %}{{ g | join }}{{ g | join }}", "12"},
        {"{% if [] | select %}true{% endif %}", "true"},
    });
}

TEST(jinja, says_the_time_it_was_given) {
    const auto parsed = jinja::program::parse("{{ strftime_now('%Y %H:%M') }}", {}, {});
    ASSERT_TRUE(parsed.has_value());
    setenv("TZ", "UTC", 1);
    tzset();
    const auto noon = std::chrono::system_clock::from_time_t(1'700'000'000);
    EXPECT_EQ(parsed.value().render({}, noon).value().bytes, "2023 22:13");
}

TEST(jinja, accepts_generation_blocks) {
    EXPECT_EQ(render("a{% generation %}{% set x = 1 %}{{ x }}{% endgeneration %}{{ x }}b"), "a1b");
}

TEST(jinja, shows_a_request_value_instead_of_a_constant_of_that_name) {
    EXPECT_EQ(render_marked("{{ bos_token }}", "{}"), "<s>");
    EXPECT_EQ(render_marked("{{ bos_token }}", R"({"bos_token": "<s>"})"), "‹<s>›");
}

}  // namespace
}  // namespace penstock::worker
