// default, and the filters that apply another filter or test to every item.
#include "worker/text/jinja/access.hpp"
#include "worker/text/jinja/filters.hpp"

#include <algorithm>

namespace penstock::worker::jinja {
namespace {

result<value> filter_default(workspace& space, const value& self, const arguments& given) {
    const bool is_replaced = self.is_undefined() || (is_true(given[1]) && !is_true(self));
    if (!is_replaced) return self;
    if (given[0].is_given()) return given[0];
    return space.make(text());
}

value take_named(arguments& given, std::string_view name) {
    const auto at = std::find_if(given.named.begin(), given.named.end(), [&](const auto& pair) {
        return pair.first == name;
    });
    if (at == given.named.end()) return {};
    const value out = at->second;
    given.named.erase(at);
    return out;
}

// The first positional argument, taken out.
result<value> take_first(arguments& given, std::string_view what) {
    if (given.positional.empty()) return fault(std::string(what) + " is missing");
    const value out = given.positional.front();
    given.positional.erase(given.positional.begin());
    return out;
}

result<value> filter_map(workspace& space, const value& self, const arguments& all) {
    arguments given = all;
    std::vector<value> out;
    const bool by_attribute = given.positional.empty();
    const value attribute = by_attribute ? take_named(given, "attribute") : value();
    if (!is_true(self)) return space.make_generator({});
    TRY(const std::vector<value> items, iterate(space, self));
    if (by_attribute && attribute.is_given()) {
        const value otherwise = take_named(given, "default");
        if (!given.named.empty())
            return fault("Unexpected keyword argument '" + std::string(given.named[0].first) + "'");
        for (const value& item : items) {
            TRY(const value found, follow_path(space, item, attribute, otherwise));
            out.push_back(found);
        }
        return space.make_generator(std::move(out));
    }
    TRY(const value name, take_first(given, "the filter of map()"));
    const callable_row* row = name.is_string() ? find_filter(name.bytes()) : nullptr;
    if (row == nullptr) return fault("map() names no filter");
    for (const value& item : items) {
        TRY(const value changed, invoke(space, *row, item, given));
        out.push_back(changed);
    }
    return space.make_generator(std::move(out));
}

result<value> pick(
    workspace& space, const value& self, arguments given, bool by_attribute, bool wanted
) {
    if (!is_true(self)) return space.make_generator({});
    TRY(const std::vector<value> items, iterate(space, self));
    value attribute;
    if (by_attribute) {
        TRY(attribute, take_first(given, "the attribute"));
    }
    const callable_row* row = nullptr;
    if (!given.positional.empty()) {
        TRY(const value name, take_first(given, "the test"));
        row = name.is_string() ? find_test(name.bytes()) : nullptr;
        if (row == nullptr) return fault("select() names no test");
    }
    std::vector<value> out;
    for (const value& item : items) {
        value tested = item;
        if (by_attribute) {
            TRY(tested, follow_path(space, item, attribute, value()));
        }
        if (row != nullptr) {
            TRY(tested, invoke(space, *row, tested, given));
        }
        if (is_true(tested) == wanted) out.push_back(item);
    }
    return space.make_generator(std::move(out));
}

result<value> filter_select(workspace& space, const value& self, const arguments& given) {
    return pick(space, self, given, false, true);
}

result<value> filter_reject(workspace& space, const value& self, const arguments& given) {
    return pick(space, self, given, false, false);
}

result<value> filter_selectattr(workspace& space, const value& self, const arguments& given) {
    return pick(space, self, given, true, true);
}

result<value> filter_rejectattr(workspace& space, const value& self, const arguments& given) {
    return pick(space, self, given, true, false);
}

constexpr callable_row rows[] = {
    {"default", filter_default, "default_value,boolean"},
    {"d", filter_default, "default_value,boolean"},
    {"map", filter_map, "*"},
    {"select", filter_select, "*"},
    {"reject", filter_reject, "*"},
    {"selectattr", filter_selectattr, "*"},
    {"rejectattr", filter_rejectattr, "*"},
};

}  // namespace

std::span<const callable_row> picking_filters() noexcept {
    return rows;
}

const callable_row* find_filter(std::string_view name) noexcept {
    for (const auto table : {text_filters(), number_filters(), item_filters(), picking_filters()})
        if (const callable_row* row = find_row(table, name)) return row;
    return nullptr;
}

}  // namespace penstock::worker::jinja
