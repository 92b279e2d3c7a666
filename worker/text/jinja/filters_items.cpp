// Filters over lists and dictionaries.
#include "worker/text/jinja/access.hpp"
#include "worker/text/jinja/filters.hpp"
#include "worker/text/jinja/methods.hpp"
#include "worker/text/jinja/operators.hpp"
#include "worker/text/jinja/print.hpp"
#include "worker/text/jinja/unicode.hpp"

#include <algorithm>

namespace penstock::worker::jinja {
namespace {

result<value> folded(workspace& space, const value& key, bool is_exact) {
    if (is_exact || !key.is_string()) return key;
    CHECK(space.charge_bytes(key.bytes().size() * 4));
    return space.make(to_lower(key.bytes()));
}

// The item, or what stands at `attribute` in it; "a,b" gives a list of both.
result<value> key_of(workspace& space, const value& item, const value& attribute, bool is_exact) {
    if (!attribute.is_given() || attribute.is_none()) return folded(space, item, is_exact);
    const auto one = [&](const value& path) -> result<value> {
        TRY(const value found, follow_path(space, item, path, value()));
        return folded(space, found, is_exact);
    };
    if (!attribute.is_string() || attribute.bytes().find(',') == std::string_view::npos)
        return one(attribute);
    std::vector<value> keys;
    const std::string_view names = attribute.bytes();
    for (std::size_t begin = 0; begin <= names.size();) {
        const std::size_t comma = std::min(names.find(',', begin), names.size());
        TRY(const value path, space.make(names.substr(begin, comma - begin)));
        TRY(const value key, one(path));
        keys.push_back(key);
        begin = comma + 1;
    }
    return space.make_list(std::move(keys));
}

using keyed = std::vector<std::pair<value, value>>;

result<keyed> with_keys(workspace& space, const value& self, const value& attribute, bool exact) {
    TRY(const std::vector<value> items, iterate(space, self));
    keyed out;
    for (const value& item : items) {
        TRY(const value key, key_of(space, item, attribute, exact));
        out.emplace_back(key, item);
    }
    return out;
}

result<value> filter_length(workspace& space, const value& self, const arguments&) {
    if (self.is_string()) {
        CHECK(space.charge_bytes(self.bytes().size()));
    }
    const std::ptrdiff_t length = length_of(self);
    if (length < 0)
        return fault("object of type '" + std::string(type_name(self.what())) + "' has no len()");
    return value(static_cast<integer>(length));
}

result<value> filter_first(workspace& space, const value& self, const arguments&) {
    if (self.is(kind::generator)) {
        generator& from = self.as_generator();
        if (from.at < from.all->items.size()) return from.all->items[from.at++];
        return space.undefined("No first item, sequence was empty.");
    }
    if (self.has_items() && !self.items().empty()) return self.items().front();
    TRY(const std::vector<value> items, iterate(space, self));
    if (items.empty()) return space.undefined("No first item, sequence was empty.");
    return items.front();
}

result<value> filter_last(workspace& space, const value& self, const arguments&) {
    if (self.is(kind::generator)) return fault("'generator' object is not reversible");
    if (self.has_items() && !self.items().empty()) return self.items().back();
    TRY(const std::vector<value> items, iterate(space, self));
    if (items.empty()) return space.undefined("No last item, sequence was empty.");
    return items.back();
}

result<value> filter_list(workspace& space, const value& self, const arguments&) {
    TRY(std::vector<value> items, iterate(space, self));
    return space.make_list(std::move(items));
}

result<value> filter_reverse(workspace& space, const value& self, const arguments&) {
    if (self.is_string()) {
        TRY(const value back, slice_of(space, self, value(), value(), value(integer{-1})));
        return back;
    }
    TRY(std::vector<value> items, iterate(space, self));
    std::reverse(items.begin(), items.end());
    if (self.is(kind::generator)) return space.make_list(std::move(items));
    return space.make_generator(std::move(items));
}

result<value> filter_join(workspace& space, const value& self, const arguments& given) {
    TRY(std::vector<value> items, iterate(space, self));
    for (value& item : items) {
        if (given[1].is_given() && !given[1].is_none()) {
            TRY(item, follow_path(space, item, given[1], value()));
        }
        TRY(item, to_string(space, item));
    }
    if (!given[0].is_given()) return join_strings(space, text(), items);
    TRY(const value between, to_string(space, given[0]));
    return join_strings(space, between.str(), items);
}

result<value> filter_items(workspace& space, const value& self, const arguments&) {
    if (self.is_undefined()) return space.make_generator({});
    if (!self.is(kind::dict)) return fault("Can only get item pairs from a mapping.");
    std::vector<value> pairs;
    for (const auto& [key, member] : self.as_dict().entries) {
        TRY(const value pair, space.make_list({key, member}, kind::tuple));
        pairs.push_back(pair);
    }
    return space.make_generator(std::move(pairs));
}

result<value> filter_dictsort(workspace& space, const value& self, const arguments& given) {
    if (!self.is(kind::dict)) return wrong_type("dictsort() takes a dictionary", self);
    const std::string_view by = given[1].is_string() ? given[1].bytes() : "key";
    if (by != "key" && by != "value")
        return fault("You can only sort by either \"key\" or \"value\"");
    keyed pairs;
    for (const auto& [key, member] : self.as_dict().entries) {
        TRY(const value pair, space.make_list({key, member}, kind::tuple));
        TRY(const value order, folded(space, by == "key" ? key : member, is_true(given[0])));
        pairs.emplace_back(order, pair);
    }
    CHECK(sort_by_keys(space, pairs, is_true(given[2])));
    std::vector<value> out;
    for (const auto& [order, pair] : pairs)
        out.push_back(pair);
    return space.make_list(std::move(out));
}

result<value> filter_sort(workspace& space, const value& self, const arguments& given) {
    TRY(keyed items, with_keys(space, self, given[2], is_true(given[1])));
    CHECK(sort_by_keys(space, items, is_true(given[0])));
    std::vector<value> out;
    for (const auto& [key, item] : items)
        out.push_back(item);
    return space.make_list(std::move(out));
}

result<value> filter_unique(workspace& space, const value& self, const arguments& given) {
    TRY(const keyed items, with_keys(space, self, given[1], is_true(given[0])));
    std::vector<value> seen, out;
    for (const auto& [key, item] : items) {
        if (key.is(kind::list) || key.is(kind::dict))
            return fault("unhashable type: '" + std::string(type_name(key.what())) + "'");
        CHECK(space.charge(1 + seen.size() / 4 + extent_of(key).weight));
        const auto is_key = [&k = key](const value& other) { return equal(k, other); };
        if (std::any_of(seen.begin(), seen.end(), is_key)) continue;
        seen.push_back(key);
        out.push_back(item);
    }
    return space.make_generator(std::move(out));
}

result<value> extreme(workspace& space, const value& self, const arguments& given, bool largest) {
    TRY(const keyed items, with_keys(space, self, given[1], is_true(given[0])));
    if (items.empty()) return space.undefined("No aggregated item, sequence was empty.");
    const std::pair<value, value>* best = &items.front();
    for (const auto& item : items) {
        TRY(const bool better,
            largest ? less(space, best->first, item.first) : less(space, item.first, best->first));
        if (better) best = &item;
    }
    return best->second;
}

result<value> filter_min(workspace& space, const value& self, const arguments& given) {
    return extreme(space, self, given, false);
}

result<value> filter_max(workspace& space, const value& self, const arguments& given) {
    return extreme(space, self, given, true);
}

result<value> filter_sum(workspace& space, const value& self, const arguments& given) {
    value total = given[1].is_given() ? given[1] : value(integer{0});
    if (total.is_string()) return fault("sum() can't sum strings");
    TRY(const std::vector<value> items, iterate(space, self));
    for (value item : items) {
        if (given[0].is_given() && !given[0].is_none()) {
            TRY(item, follow_path(space, item, given[0], value()));
        }
        TRY(total, arithmetic(space, sign::add, total, item));
    }
    return total;
}

constexpr callable_row rows[] = {
    {"length", filter_length, ""},
    {"count", filter_length, ""},
    {"first", filter_first, ""},
    {"last", filter_last, ""},
    {"list", filter_list, ""},
    {"reverse", filter_reverse, ""},
    {"join", filter_join, "d,attribute"},
    {"items", filter_items, ""},
    {"dictsort", filter_dictsort, "case_sensitive,by,reverse"},
    {"sort", filter_sort, "reverse,case_sensitive,attribute"},
    {"unique", filter_unique, "case_sensitive,attribute"},
    {"min", filter_min, "case_sensitive,attribute"},
    {"max", filter_max, "case_sensitive,attribute"},
    {"sum", filter_sum, "attribute,start"},
};

}  // namespace

std::span<const callable_row> item_filters() noexcept {
    return rows;
}

}  // namespace penstock::worker::jinja
