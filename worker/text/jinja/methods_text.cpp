// str's methods that give other strings.
#include "worker/text/jinja/find_bytes.hpp"
#include "worker/text/jinja/methods.hpp"
#include "worker/text/jinja/print.hpp"
#include "worker/text/jinja/unicode.hpp"

#include <algorithm>

namespace penstock::worker::jinja {
namespace {

template <std::string (*Change)(std::string_view)>
result<value> changed(workspace& space, const value& self, const arguments&) {
    CHECK(space.charge_bytes(self.bytes().size() * 4));
    return space.make(text::like(Change(self.bytes()), self.str().has_users()));
}

result<value> text_strip(workspace& space, const value& self, const arguments& given) {
    return strip_of(space, self.str(), given[0], true, true);
}

result<value> text_lstrip(workspace& space, const value& self, const arguments& given) {
    return strip_of(space, self.str(), given[0], true, false);
}

result<value> text_rstrip(workspace& space, const value& self, const arguments& given) {
    return strip_of(space, self.str(), given[0], false, true);
}

result<value> text_replace(workspace& space, const value& self, const arguments& given) {
    if (!given[0].is_string()) return wrong_type("replace() takes strings", given[0]);
    if (!given[1].is_string()) return wrong_type("replace() takes strings", given[1]);
    if (given[2].is_given() && !given[2].is_whole())
        return wrong_type("replace() takes a count", given[2]);
    const integer most = given[2].is_given() ? given[2].whole() : -1;
    return replace_in(space, self.str(), given[0].str(), given[1].str(), most);
}

result<value> text_join(workspace& space, const value& self, const arguments& given) {
    TRY(const std::vector<value> items, iterate(space, given[0]));
    for (const value& item : items)
        if (!item.is_string()) return wrong_type("join() joins strings", item);
    return join_strings(space, self.str(), items);
}

template <bool AtEnd>
result<value> without_affix(workspace& space, const value& self, const arguments& given) {
    if (!given[0].is_string()) return wrong_type("a prefix or suffix is a string", given[0]);
    const std::string_view all = self.bytes(), part = given[0].bytes();
    const bool has = AtEnd ? all.ends_with(part) : all.starts_with(part);
    if (!has || part.empty()) return self;
    const std::size_t rest = all.size() - part.size();
    return space.make(AtEnd ? self.str().part(0, rest) : self.str().part(part.size(), all.size()));
}

template <int Side>
result<value> aligned(workspace& space, const value& self, const arguments& given) {
    if (!given[0].is_whole()) return wrong_type("a width is an integer", given[0]);
    if (given[1].is_given() && (!given[1].is_string() || count_code_points(given[1].bytes()) != 1))
        return fault("the fill is one character");
    const text fill = given[1].is_given() ? given[1].str() : text(" ");
    return padded(space, self.str(), given[0].whole(), fill, Side);
}

result<value> text_zfill(workspace& space, const value& self, const arguments& given) {
    if (!given[0].is_whole()) return wrong_type("a width is an integer", given[0]);
    const std::string_view all = self.bytes();
    const std::size_t signs = !all.empty() && (all[0] == '-' || all[0] == '+') ? 1 : 0;
    const text digits = self.str().part(signs, all.size());
    const integer width = given[0].whole() - static_cast<integer>(signs);
    TRY(const value right, padded(space, digits, width, text("0"), 1));
    text out = self.str().part(0, signs);
    out.append(right.str());
    return space.make(std::move(out));
}

constexpr callable_row rows[] = {
    {"strip", text_strip, "chars"},
    {"lstrip", text_lstrip, "chars"},
    {"rstrip", text_rstrip, "chars"},
    {"replace", text_replace, "old,new,count", 2},
    {"join", text_join, "iterable", 1},
    {"upper", changed<to_upper>, ""},
    {"lower", changed<to_lower>, ""},
    {"title", changed<title_cased>, ""},
    {"capitalize", changed<capitalized>, ""},
    {"swapcase", changed<swapped_case>, ""},
    {"removeprefix", without_affix<false>, "prefix", 1},
    {"removesuffix", without_affix<true>, "suffix", 1},
    {"center", aligned<0>, "width,fillchar", 1},
    {"rjust", aligned<1>, "width,fillchar", 1},
    {"ljust", aligned<-1>, "width,fillchar", 1},
    {"zfill", text_zfill, "width", 1},
    {"format", format_braces, "*"},
};

}  // namespace

std::span<const callable_row> text_methods() noexcept {
    return rows;
}

result<value> strip_of(
    workspace& space, const text& from, const value& chars, bool at_begin, bool at_end
) {
    std::optional<std::string_view> set;
    if (chars.is_string())
        set = chars.bytes();
    else if (chars.is_given() && !chars.is_none())
        return wrong_type("strip() takes characters", chars);
    CHECK(space.charge_bytes(set ? set->size() : 0));
    const stretch kept = stripped(from.bytes, set, at_begin, at_end);
    CHECK(space.charge_bytes(from.size() - (kept.end - kept.begin)));
    return space.make(from.part(kept.begin, kept.end));
}

result<value> replace_in(
    workspace& space, const text& from, const text& old, const text& fresh, integer most
) {
    text out;
    std::size_t at = 0;
    const std::string_view all = from.bytes;
    CHECK(space.charge_bytes(all.size()));
    const auto put = [&]() -> result<void> {
        CHECK(space.charge_bytes(fresh.size()));
        CHECK(space.check_size(out.size() + fresh.size()));
        out.append(fresh);
        --most;
        return success();
    };
    if (old.empty()) {  // before every character and at the end
        while (most != 0) {
            CHECK(put());
            if (at == all.size()) break;
            const std::size_t begin = at;
            next_code_point(all, at);
            out.append(from, begin, at);
        }
    }
    for (std::size_t found; !old.empty() && most != 0; at = found + old.size()) {
        found = find_bytes(all, old.bytes, at);
        if (found == all.npos) break;
        out.append(from, at, found);
        CHECK(put());
    }
    if (at < all.size()) out.append(from, at, all.size());
    return space.make(std::move(out));
}

result<value> join_strings(
    workspace& space, const text& between, const std::vector<value>& strings
) {
    text out;
    bool first = true;
    for (const value& string : strings) {
        CHECK(space.charge_bytes(between.size() + string.bytes().size()));
        CHECK(space.check_size(out.size() + between.size() + string.bytes().size()));
        if (!first) out.append(between);
        first = false;
        out.append(string.str());
    }
    return space.make(std::move(out));
}

result<value> padded(
    workspace& space, const text& from, integer width, const text& fill, int side
) {
    const auto size = static_cast<integer>(count_code_points(from.bytes));
    const integer missing = std::max<integer>(width - size, 0);
    if (missing * static_cast<integer>(fill.size()) >
        static_cast<integer>(space.most().output_bytes))
        return space.check_size(space.most().output_bytes + 1).error();
    // str.center puts the odd one to the left only where the width is odd.
    const integer left = side > 0 ? missing : side < 0 ? 0 : missing / 2 + (missing & width & 1);
    text out;
    for (integer i = 0; i < left; ++i)
        out.append(fill);
    out.append(from);
    for (integer i = left; i < missing; ++i)
        out.append(fill);
    return space.make(std::move(out));
}

}  // namespace penstock::worker::jinja
