// Filters over strings. What changes letters gives the whole to the user if any of it was theirs.
#include "worker/text/jinja/filters.hpp"
#include "worker/text/jinja/methods.hpp"
#include "worker/text/jinja/operators.hpp"
#include "worker/text/jinja/print.hpp"
#include "worker/text/jinja/unicode.hpp"

namespace penstock::worker::jinja {
namespace {

using change = std::string (*)(std::string_view);

result<value> changed_by(workspace& space, const value& self, change how) {
    TRY(const value v, to_string(space, self));
    CHECK(space.charge_bytes(v.bytes().size() * 4));
    return space.make(text::like(how(v.bytes()), v.str().has_users()));
}

result<value> filter_lower(workspace& space, const value& self, const arguments&) {
    return changed_by(space, self, to_lower);
}

result<value> filter_upper(workspace& space, const value& self, const arguments&) {
    return changed_by(space, self, to_upper);
}

result<value> filter_capitalize(workspace& space, const value& self, const arguments&) {
    return changed_by(space, self, capitalized);
}

// Words begin behind white space, a hyphen or an opening bracket.
std::string as_title(std::string_view from) {
    std::string out;
    for (std::size_t at = 0; at < from.size();) {
        const auto separates = [](char32_t c) {
            return is_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
        };
        std::size_t first = at, end = at;
        const bool is_between = separates(next_code_point(from, first));
        for (std::size_t next = at; next < from.size(); end = next)
            if (separates(next_code_point(from, next)) != is_between) break;
        out += to_upper(from.substr(at, first - at));
        out += to_lower(from.substr(first, end - first));
        at = end;
    }
    return out;
}

result<value> filter_title(workspace& space, const value& self, const arguments&) {
    return changed_by(space, self, as_title);
}

result<value> filter_trim(workspace& space, const value& self, const arguments& given) {
    TRY(const value v, to_string(space, self));
    return strip_of(space, v.str(), given[0], true, true);
}

result<value> filter_string(workspace& space, const value& self, const arguments&) {
    return to_string(space, self);
}

result<value> filter_replace(workspace& space, const value& self, const arguments& given) {
    TRY(const value from, to_string(space, self));
    TRY(const value old, to_string(space, given[0]));
    TRY(const value fresh, to_string(space, given[1]));
    const value& count = given[2];
    if (count.is_given() && !count.is_none() && !count.is_whole())
        return wrong_type("replace() takes a count", count);
    const integer most = count.is_whole() ? count.whole() : -1;
    return replace_in(space, from.str(), old.str(), fresh.str(), most);
}

result<value> filter_indent(workspace& space, const value& self, const arguments& given) {
    TRY(const value v, to_string(space, self));
    text indention(std::string_view("    "));
    if (given[0].is_string()) {
        indention = given[0].str();
    } else if (given[0].is_whole()) {
        const integer width = std::max<integer>(given[0].whole(), 0);
        CHECK(space.check_size(static_cast<std::size_t>(std::min<integer>(width, 1 << 30))));
        indention = text(std::string(static_cast<std::size_t>(width), ' '));
    } else if (given[0].is_given()) {
        return wrong_type("indent() takes a width", given[0]);
    }
    text whole = v.str();
    whole.append("\n");
    const bool is_first = is_true(given[1]), is_blank = is_true(given[2]);
    text out;
    bool begins = true;
    for (const line_span& line : lines_of(whole.bytes)) {
        if (!begins) out.append("\n");
        if (begins ? is_first : is_blank || line.begin != line.end) out.append(indention);
        begins = false;
        out.append(whole, line.begin, line.end);
        CHECK(space.check_size(out.size()));
        CHECK(space.charge(1));
    }
    return space.make(std::move(out));
}

result<value> filter_wordcount(workspace& space, const value& self, const arguments&) {
    TRY(const value v, to_string(space, self));
    CHECK(space.charge_bytes(v.bytes().size()));
    integer count = 0;
    bool in_word = false;
    for (std::size_t at = 0; at < v.bytes().size();) {
        const bool is_part = is_word(next_code_point(v.bytes(), at));
        count += is_part && !in_word ? 1 : 0;
        in_word = is_part;
    }
    return value(count);
}

result<value> filter_format(workspace& space, const value& self, const arguments& given) {
    TRY(const value format, to_string(space, self));
    if (given.named.empty()) {
        TRY(const value all, space.make_list(given.positional, kind::tuple));
        return format_percent(space, format, all);
    }
    if (!given.positional.empty())
        return fault("can't handle positional and keyword arguments at the same time");
    dict all;
    for (const auto& [name, v] : given.named) {
        TRY(const value key, space.make(name));
        all.set(key, v);
    }
    TRY(const value named, space.make(std::move(all)));
    return format_percent(space, format, named);
}

result<value> filter_center(workspace& space, const value& self, const arguments& given) {
    TRY(const value v, to_string(space, self));
    if (given[0].is_given() && !given[0].is_whole())
        return wrong_type("center() takes a width", given[0]);
    return padded(space, v.str(), given[0].is_whole() ? given[0].whole() : 80, text(" "), 0);
}

result<value> filter_tojson(workspace& space, const value& self, const arguments& given) {
    json_style style;
    style.ascii = is_true(given[0]);
    style.sorted = is_true(given[3]);
    const value &indent = given[1], &separators = given[2];
    if (indent.is_given() && !indent.is_none()) {
        style.broken = true;
        style.item_separator = ",";
        if (indent.is_string()) {
            style.indent = indent.bytes();
        } else if (!indent.is_whole()) {
            return wrong_type("tojson() takes a width as indent", indent);
        } else if (indent.whole() > 0) {
            if (indent.whole() > 1024) return fault("tojson() indents by at most 1024");
            style.indent.assign(static_cast<std::size_t>(indent.whole()), ' ');
        }
    }
    if (separators.is_given() && !separators.is_none()) {
        const bool fits = separators.has_items() && separators.items().size() == 2 &&
                          separators.items()[0].is_string() && separators.items()[1].is_string();
        if (!fits) return fault("tojson() takes two strings as separators");
        style.item_separator = separators.items()[0].bytes();
        style.key_separator = separators.items()[1].bytes();
    }
    TRY(text out, to_json(space, self, style));
    return space.make(std::move(out));
}

constexpr callable_row rows[] = {
    {"lower", filter_lower, ""},
    {"upper", filter_upper, ""},
    {"capitalize", filter_capitalize, ""},
    {"title", filter_title, ""},
    {"trim", filter_trim, "chars"},
    {"string", filter_string, ""},
    {"safe", filter_string, ""},
    {"replace", filter_replace, "old,new,count", 2},
    {"indent", filter_indent, "width,first,blank"},
    {"wordcount", filter_wordcount, ""},
    {"format", filter_format, "*"},
    {"center", filter_center, "width"},
    {"tojson", filter_tojson, "ensure_ascii,indent,separators,sort_keys"},
};

}  // namespace

std::span<const callable_row> text_filters() noexcept {
    return rows;
}

}  // namespace penstock::worker::jinja
