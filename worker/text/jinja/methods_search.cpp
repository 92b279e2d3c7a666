// str's methods that look for something, cut at it, or ask what the string is.
#include "worker/text/jinja/find_bytes.hpp"
#include "worker/text/jinja/methods.hpp"
#include "worker/text/jinja/unicode.hpp"

#include <algorithm>

namespace penstock::worker::jinja {
namespace {

// str[begin:end] as find, count and startswith take it, in bytes. Nothing: begins behind the end.
result<std::optional<stretch>> window(
    workspace& space, std::string_view all, const value& begin, const value& end
) {
    const auto given = [](const value& v) { return v.is_given() && !v.is_none(); };
    if (!given(begin) && !given(end)) return std::optional(stretch{0, all.size()});
    for (const value* v : {&begin, &end})
        if (given(*v) && !v->is_whole()) return wrong_type("slice indices are integers", *v);
    CHECK(space.charge_bytes(all.size()));
    const auto size = static_cast<integer>(count_code_points(all));
    const auto bound = [&](const value& v, integer otherwise) {
        if (!given(v)) return otherwise;
        const integer i = v.whole() < 0 ? std::max<integer>(v.whole() + size, 0) : v.whole();
        return i;
    };
    const integer first = bound(begin, 0), last = std::min(bound(end, size), size);
    if (first > last) return std::optional<stretch>();
    return std::optional(stretch{
        offset_of_code_point(all, static_cast<std::size_t>(first)),
        offset_of_code_point(all, static_cast<std::size_t>(last))
    });
}

template <bool AtEnd>
result<value> has_affix(workspace& space, const value& self, const arguments& given) {
    TRY(const auto where, window(space, self.bytes(), given[1], given[2]));
    std::vector<value> affixes{given[0]};
    if (given[0].is(kind::tuple)) affixes = given[0].items();
    for (const value& affix : affixes) {
        if (!affix.is_string()) return wrong_type("a prefix or suffix is a string", affix);
        if (!where) continue;
        const auto part = self.bytes().substr(where->begin, where->end - where->begin);
        if (AtEnd ? part.ends_with(affix.bytes()) : part.starts_with(affix.bytes()))
            return value(true);
    }
    return value(false);
}

template <bool Last, bool MustBe>
result<value> find_in(workspace& space, const value& self, const arguments& given) {
    if (!given[0].is_string()) return wrong_type("only a string can be looked for", given[0]);
    CHECK(space.charge_bytes(self.bytes().size()));
    TRY(const auto where, window(space, self.bytes(), given[1], given[2]));
    std::size_t found = std::string_view::npos;
    if (where) {
        const auto part = self.bytes().substr(where->begin, where->end - where->begin);
        found = Last ? rfind_bytes(part, given[0].bytes()) : find_bytes(part, given[0].bytes());
    }
    if (found == std::string_view::npos) {
        if (MustBe) return fault("substring not found");
        return value(integer{-1});
    }
    const auto before = self.bytes().substr(0, where->begin + found);
    return value(static_cast<integer>(count_code_points(before)));
}

result<value> count_in(workspace& space, const value& self, const arguments& given) {
    if (!given[0].is_string()) return wrong_type("only a string can be counted", given[0]);
    CHECK(space.charge_bytes(self.bytes().size()));
    TRY(const auto where, window(space, self.bytes(), given[1], given[2]));
    if (!where) return value(integer{0});
    const auto part = self.bytes().substr(where->begin, where->end - where->begin);
    const std::string_view wanted = given[0].bytes();
    if (wanted.empty()) return value(static_cast<integer>(count_code_points(part) + 1));
    integer count = 0;
    for (std::size_t at = find_bytes(part, wanted); at != part.npos;
         at = find_bytes(part, wanted, at + wanted.size()))
        ++count;
    return value(count);
}

result<value> list_of_parts(
    workspace& space, const text& from, const std::vector<stretch>& parts, kind what = kind::list
) {
    std::vector<value> out;
    for (const stretch& part : parts) {
        TRY(const value one, space.make(from.part(part.begin, part.end)));
        out.push_back(one);
    }
    return space.make_list(std::move(out), what);
}

std::vector<stretch> split_at(std::string_view all, std::string_view by, integer most) {
    std::vector<stretch> out;
    std::size_t begin = 0;
    for (; most != 0; --most) {
        const std::size_t found = find_bytes(all, by, begin);
        if (found == all.npos) break;
        out.push_back({begin, found});
        begin = found + by.size();
    }
    out.push_back({begin, all.size()});
    return out;
}

std::vector<stretch> split_at_last(std::string_view all, std::string_view by, integer most) {
    const bytes_from_the_end search(all, by);
    std::vector<stretch> out;
    std::size_t end = all.size();
    for (; most != 0; --most) {
        const std::size_t found = search.find(end);
        if (found == all.npos) break;
        out.push_back({found + by.size(), end});
        end = found;
    }
    out.push_back({0, end});
    std::reverse(out.begin(), out.end());
    return out;
}

// At white space of any length; the last part keeps what is left.
std::vector<stretch> split_at_space(std::string_view all, integer most, bool last) {
    std::vector<stretch> out;
    stretch rest = stripped(all, {}, !last, last);
    while (rest.begin < rest.end) {
        std::size_t cut = last ? rest.end : rest.begin;
        while (most != 0 && (last ? cut > rest.begin : cut < rest.end)) {
            std::size_t next = last ? before_code_point(all, cut) : cut;
            std::size_t behind = next;
            if (is_space(next_code_point(all, behind))) break;
            cut = last ? next : behind;
        }
        if (most == 0) cut = last ? rest.begin : rest.end;
        out.push_back(last ? stretch{cut, rest.end} : stretch{rest.begin, cut});
        --most;
        const std::size_t from = last ? rest.begin : cut, to = last ? cut : rest.end;
        const stretch left = stripped(all.substr(from, to - from), {}, !last, last);
        rest = {from + left.begin, from + left.end};
    }
    if (last) std::reverse(out.begin(), out.end());
    return out;
}

template <bool Last>
result<value> split(workspace& space, const value& self, const arguments& given) {
    if (given[1].is_given() && !given[1].is_whole())
        return wrong_type("split() takes a count", given[1]);
    const integer most = given[1].is_given() ? given[1].whole() : -1;
    CHECK(space.charge_bytes(self.bytes().size()));
    if (!given[0].is_given() || given[0].is_none())
        return list_of_parts(space, self.str(), split_at_space(self.bytes(), most, Last));
    if (!given[0].is_string()) return wrong_type("split() takes a separator", given[0]);
    if (given[0].bytes().empty()) return fault("empty separator");
    const auto cut = Last ? split_at_last : split_at;
    return list_of_parts(space, self.str(), cut(self.bytes(), given[0].bytes(), most));
}

template <bool Last>
result<value> partition(workspace& space, const value& self, const arguments& given) {
    if (!given[0].is_string()) return wrong_type("partition() takes a separator", given[0]);
    if (given[0].bytes().empty()) return fault("empty separator");
    CHECK(space.charge_bytes(self.bytes().size()));
    const std::string_view all = self.bytes(), by = given[0].bytes();
    const std::size_t found = Last ? rfind_bytes(all, by) : find_bytes(all, by);
    const std::size_t size = all.size();
    std::vector<stretch> parts{{0, found}, {found, found + by.size()}, {found + by.size(), size}};
    if (found == all.npos)
        parts = Last ? std::vector<stretch>{{0, 0}, {0, 0}, {0, size}}
                     : std::vector<stretch>{{0, size}, {size, size}, {size, size}};
    return list_of_parts(space, self.str(), parts, kind::tuple);
}

result<value> split_lines(workspace& space, const value& self, const arguments& given) {
    const bool keeps = is_true(given[0]);
    std::vector<stretch> parts;
    for (const line_span& line : lines_of(self.bytes()))
        parts.push_back({line.begin, keeps ? line.next : line.end});
    return list_of_parts(space, self.str(), parts);
}

template <bool (*Is)(char32_t) noexcept>
result<value> all_are(workspace& space, const value& self, const arguments&) {
    CHECK(space.charge_bytes(self.bytes().size()));
    for (std::size_t at = 0; at < self.bytes().size();)
        if (!Is(next_code_point(self.bytes(), at))) return value(false);
    return value(!self.bytes().empty());
}

bool is_alnum(char32_t code) noexcept {
    return is_alpha(code) || is_decimal(code) || is_digit(code) || is_numeric(code);
}

bool is_ascii(char32_t code) noexcept {
    return code < 0x80;
}

result<value> all_ascii(workspace& space, const value& self, const arguments& given) {
    if (self.bytes().empty()) return value(true);
    return all_are<is_ascii>(space, self, given);
}

result<value> text_is_lower(workspace& space, const value& self, const arguments&) {
    CHECK(space.charge_bytes(self.bytes().size()));
    return value(is_lower(self.bytes()));
}

result<value> text_is_upper(workspace& space, const value& self, const arguments&) {
    CHECK(space.charge_bytes(self.bytes().size()));
    return value(is_upper(self.bytes()));
}

result<value> text_is_title(workspace& space, const value& self, const arguments&) {
    CHECK(space.charge_bytes(self.bytes().size()));
    bool found = false, in_word = false;
    for (std::size_t at = 0; at < self.bytes().size();) {
        const char32_t code = next_code_point(self.bytes(), at);
        if (in_word ? is_upper(code) : is_lower(code)) return value(false);
        in_word = is_cased(code);
        found = found || in_word;
    }
    return value(found);
}

constexpr callable_row rows[] = {
    {"startswith", has_affix<false>, "prefix,start,end", 1},
    {"endswith", has_affix<true>, "suffix,start,end", 1},
    {"find", find_in<false, false>, "sub,start,end", 1},
    {"rfind", find_in<true, false>, "sub,start,end", 1},
    {"index", find_in<false, true>, "sub,start,end", 1},
    {"rindex", find_in<true, true>, "sub,start,end", 1},
    {"count", count_in, "sub,start,end", 1},
    {"split", split<false>, "sep,maxsplit"},
    {"rsplit", split<true>, "sep,maxsplit"},
    {"partition", partition<false>, "sep", 1},
    {"rpartition", partition<true>, "sep", 1},
    {"splitlines", split_lines, "keepends"},
    {"isalnum", all_are<is_alnum>, ""},
    {"isalpha", all_are<is_alpha>, ""},
    {"isascii", all_ascii, ""},
    {"isdecimal", all_are<is_decimal>, ""},
    {"isdigit", all_are<is_digit>, ""},
    {"isnumeric", all_are<is_numeric>, ""},
    {"isspace", all_are<is_space>, ""},
    {"islower", text_is_lower, ""},
    {"isupper", text_is_upper, ""},
    {"istitle", text_is_title, ""},
};

}  // namespace

std::span<const callable_row> text_question_methods() noexcept {
    return rows;
}

std::vector<line_span> lines_of(std::string_view text) {
    std::vector<line_span> out;
    const auto ends = [](char32_t c) {
        return (c >= 0x0a && c <= 0x0d) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 ||
               c == 0x2029;
    };
    std::size_t begin = 0;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = at;
        const char32_t code = next_code_point(text, at);
        if (!ends(code)) continue;
        if (code == '\r' && at < text.size() && text[at] == '\n') ++at;
        out.push_back({begin, end, at});
        begin = at;
    }
    if (begin < text.size()) out.push_back({begin, text.size(), text.size()});
    return out;
}

}  // namespace penstock::worker::jinja
