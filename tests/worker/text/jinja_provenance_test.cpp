// Whose each byte of a prompt is. ‹…› is the user's.
#include "worker/text/rendering.hpp"

#include <gtest/gtest.h>

namespace penstock::worker {
namespace {

// `u` is what a user wrote: the template's own special token.
constexpr std::string_view values =
    R"({"u": "<|im_end|>", "s": " <|im_end|>,<|im_end|>\n", "l": ["<|im_end|>", "x"],
        "d": {"<|im_end|>": "<|im_end|>"}, "w": "<|IM_END|>", "n": 7})";

TEST(jinja_provenance, follows_each_byte_where_strings_are_joined_and_cut) {
    const std::pair<std::string_view, std::string_view> examples[] = {
        {"<|im_end|>{{ u }}<|im_end|>", "<|im_end|>‹<|im_end|>›<|im_end|>"},
        {"{{ '<|im_end|>' + u + '<|im_end|>' }}", "<|im_end|>‹<|im_end|>›<|im_end|>"},
        {"{{ '<|im_end|>' ~ u ~ 1 }}", "<|im_end|>‹<|im_end|>›1"},
        {"{{ u }}{{ u }}", "‹<|im_end|><|im_end|>›"},
        {"{{ ('a' + u + 'b')[1:-1] }}", "‹<|im_end|>›"},
        {"{{ ('a' + u + 'b')[::-1] }}", "b‹>|dne_mi|<›a"},
        {"{{ ('ab' + u)[1:3] }}{{ u[0] }}", "b‹<<›"},
        {"{{ (' a ' + s).strip() }}", "a ‹ <|im_end|>,<|im_end|>›"},
        {"{{ s | trim }}{{ s.lstrip() }}", "‹<|im_end|>,<|im_end|><|im_end|>,<|im_end|>\n›"},
        {"{{ s.split(',')[0] }}.{{ s.rsplit(',', 1)[1] }}", "‹ <|im_end|>›.‹<|im_end|>\n›"},
        {"{{ ('a|' + u).split('|')[0] }}", "a"},
        {"{{ 'a-b'.replace('-', u) }}", "a‹<|im_end|>›b"},
        {"{{ u.replace('|', '!') }}", "‹<›!‹im_end›!‹>›"},
        {"{{ l | join('<|im_end|>') }}", "‹<|im_end|>›<|im_end|>‹x›"},
        {"{{ ', '.join(l) }}", "‹<|im_end|>›, ‹x›"},
        {"{{ ['a', 'b'] | join(u) }}", "a‹<|im_end|>›b"},
        {"{{ '%s and %s' % (u, 'x') }}", "‹<|im_end|>› and x"},
        {"{{ '{} and {}'.format('x', u) }}", "x and ‹<|im_end|>›"},
        {"{{ '%-12s|' | format(u) }}", "‹<|im_end|>›  |"},
        {"{{ ('a\\n' + u) | indent(2) }}", "a\n  ‹<|im_end|>›"},
        {"{{ u.center(12, '*') }}", "*‹<|im_end|>›*"},
        {"{{ ('a' + u).partition('|')[0] }}", "a‹<›"},
        {"{{ ('a\\n' + u).splitlines()[1] }}", "‹<|im_end|>›"},
        {"{{ ('a' + u).removeprefix('a') }}", "‹<|im_end|>›"},
        {"{{ u | string }}{{ u | safe }}{{ u | default('x') }}", "‹<|im_end|><|im_end|><|im_end|>›"
        },
        {"{{ u | list | join }}{{ u | first }}{{ u | reverse }}", "‹<|im_end|><>|dne_mi|<›"},
        {"{{ l | first }}{{ l | sort | last }}{{ l | map('string') | first }}",
         "‹<|im_end|>x<|im_end|>›"},
        {"{{ u | title }}{{ u | capitalize }}", "‹<|im_end|><|im_end|>›"},
    };
    for (const auto& [source, expected] : examples)
        EXPECT_EQ(render_marked(source, values), expected) << source;
}

TEST(jinja_provenance, counts_the_whole_as_the_users_where_letters_change) {
    EXPECT_EQ(render_marked("{{ w | lower }}", values), "‹<|im_end|>›");
    EXPECT_EQ(render_marked("{{ w.lower() }}{{ 'A' | lower }}", values), "‹<|im_end|>›a");
    EXPECT_EQ(render_marked("{{ ('<|IM_END|>' + u) | lower }}", values), "‹<|im_end|><|im_end|>›");
    EXPECT_EQ(render_marked("{{ '<|IM_END|>' | lower }}", values), "<|im_end|>");
    EXPECT_EQ(render_marked("{{ u.swapcase().swapcase() }}", values), "‹<|im_end|>›");
}

TEST(jinja_provenance, holds_within_lists_dictionaries_and_json) {
    EXPECT_EQ(render_marked("{{ l }}", values), "[‹'<|im_end|>'›, ‹'x'›]");
    EXPECT_EQ(render_marked("{{ d }}", values), "{‹'<|im_end|>'›: ‹'<|im_end|>'›}");
    EXPECT_EQ(render_marked("{{ d | tojson }}", values), R"(‹{"<|im_end|>": "<|im_end|>"}›)");
    EXPECT_EQ(
        render_marked("{{ {'a': '<|im_end|>'} | tojson }}", values), R"({"a": "<|im_end|>"})"
    );
    EXPECT_EQ(
        render_marked("{% for k, v in d.items() %}{{ k }}.{{ v }}{% endfor %}", values),
        "‹<|im_end|>›.‹<|im_end|>›"
    );
    EXPECT_EQ(
        render_marked("{{ d | dictsort | first | join(':') }}", values), "‹<|im_end|>›:‹<|im_end|>›"
    );
}

TEST(jinja_provenance, holds_through_variables_macros_and_blocks) {
    EXPECT_EQ(
        render_marked(
            "{% macro m(x) %}<|im_end|>{{ x }}{% endmacro %}{% set y = m(u) %}{{ y }}", values
        ),
        "<|im_end|>‹<|im_end|>›"
    );
    EXPECT_EQ(render_marked("{% set y %}a{{ u }}b{% endset %}{{ y }}", values), "a‹<|im_end|>›b");
    EXPECT_EQ(
        render_marked(
            "{% set ns = namespace(x='') %}{% for i in l %}{% set ns.x = ns.x + '[' + i + ']' %}{% "
            "endfor %}{{ ns.x }}",
            values
        ),
        "[‹<|im_end|>›][‹x›]"
    );
    EXPECT_EQ(render_marked("{% filter trim %} a{{ u }} {% endfilter %}", values), "a‹<|im_end|>›");
}

TEST(jinja_provenance, gives_a_users_format_everything) {
    EXPECT_EQ(render_marked("{{ f % 'end' }}", R"({"f": "<|im_%s|>"})"), "‹<|im_end|>›");
    EXPECT_EQ(render_marked("{{ f.format('end') }}", R"({"f": "<|im_{}|>"})"), "‹<|im_end|>›");
}

// No filter and no method turns a user's bytes into the template's.
TEST(jinja_provenance, survives_every_filter_and_method) {
    for (const std::string_view change : {
             "|trim",
             "|string",
             "|safe",
             "|lower",
             "|replace('#', '')",
             "|indent",
             "|default('')",
             "|center(0)",
             "|format",
             "|list|join",
             "|reverse|reverse",
             "|list|sort(attribute=none)|join|length|string|replace('10', u)",
             ".strip()",
             ".lstrip()",
             ".rstrip()",
             ".lower()",
             ".replace('#', '')",
             ".format()",
             ".split('#')[0]",
             ".rsplit('#')|first",
             ".splitlines()|last",
             ".partition('#')|join",
             ".rpartition('#')|join",
             ".removeprefix('#')",
             ".removesuffix('#')",
             ".ljust(3)",
             ".rjust(3)",
             ".center(3)",
             ".zfill(3)",
             ".swapcase().swapcase()",
             "[:]",
             "[::1]",
             "|map('string')|join",
             "|select|join",
             "|reject('eq', '#')|join",
         }) {
        const std::string source = "{{ u" + std::string(change) + " }}";
        EXPECT_EQ(render_marked(source, values), "‹<|im_end|>›") << source;
    }
}

}  // namespace
}  // namespace penstock::worker
