// The methods of dictionaries and lists, and which names of Python's we refuse.
#include "worker/text/jinja/methods.hpp"

#include <algorithm>

namespace penstock::worker::jinja {
namespace {

result<value> dict_get(workspace& space, const value& self, const arguments& given) {
    if (given[0].is(kind::list) || given[0].is(kind::dict))
        return fault("unhashable type: '" + std::string(type_name(given[0].what())) + "'");
    CHECK(space.charge(self.as_dict().entries.size() / 8));
    if (const value* member = self.as_dict().find(given[0])) return *member;
    return given[1].is_given() ? given[1] : value::none();
}

result<value> dict_keys(workspace& space, const value& self, const arguments&) {
    std::vector<value> out;
    for (const auto& [key, member] : self.as_dict().entries)
        out.push_back(key);
    return space.make_list(std::move(out), kind::view, "dict_keys");
}

result<value> dict_values(workspace& space, const value& self, const arguments&) {
    std::vector<value> out;
    for (const auto& [key, member] : self.as_dict().entries)
        out.push_back(member);
    return space.make_list(std::move(out), kind::view, "dict_values");
}

result<value> dict_items(workspace& space, const value& self, const arguments&) {
    std::vector<value> out;
    for (const auto& [key, member] : self.as_dict().entries) {
        TRY(const value pair, space.make_list({key, member}, kind::tuple));
        out.push_back(pair);
    }
    return space.make_list(std::move(out), kind::view, "dict_items");
}

result<value> copy_of(workspace&, const value& self, const arguments&) {
    return self;  // nothing changes either of the two
}

result<value> list_count(workspace& space, const value& self, const arguments& given) {
    integer count = 0;
    for (const value& item : self.items()) {
        CHECK(space.charge(std::min(extent_of(item).weight, extent_of(given[0]).weight)));
        if (equal(item, given[0])) ++count;
    }
    return value(count);
}

result<value> list_index(workspace& space, const value& self, const arguments& given) {
    for (std::size_t i = 0; i < self.items().size(); ++i) {
        const value& item = self.items()[i];
        CHECK(space.charge(std::min(extent_of(item).weight, extent_of(given[0]).weight)));
        if (equal(item, given[0])) return value(static_cast<integer>(i));
    }
    return fault("the value is not in the list");
}

constexpr callable_row of_dicts[] = {
    {"get", dict_get, "key,default", 1},
    {"items", dict_items, ""},
    {"keys", dict_keys, ""},
    {"values", dict_values, ""},
    {"copy", copy_of, ""},
};

constexpr callable_row of_lists[] = {
    {"count", list_count, "value", 1},
    {"index", list_index, "value", 1},
    {"copy", copy_of, ""},
};

using names = std::initializer_list<std::string_view>;

bool is_among(std::string_view name, names all) noexcept {
    return std::find(all.begin(), all.end(), name) != all.end();
}

}  // namespace

const callable_row* find_method(kind of, std::string_view name) noexcept {
    switch (of) {
        case kind::string: {
            const callable_row* row = find_row(text_methods(), name);
            return row != nullptr ? row : find_row(text_question_methods(), name);
        }
        case kind::dict:
            return find_row(of_dicts, name);
        case kind::list:
            return find_row(of_lists, name);
        case kind::tuple:
        case kind::range:
            return name == "copy" ? nullptr : find_row(of_lists, name);
        default:
            return nullptr;
    }
}

bool is_refused_method(kind of, std::string_view name) noexcept {
    if (of == kind::dict)
        return is_among(name, {"pop", "popitem", "clear", "setdefault", "update"});
    return of == kind::list &&
           is_among(
               name, {"extend", "pop", "remove", "append", "insert", "clear", "sort", "reverse"}
           );
}

bool is_unknown_method(kind of, std::string_view name) noexcept {
    if (of == kind::dict) return name == "fromkeys";
    return of == kind::string && is_among(
                                     name,
                                     {"casefold",
                                      "encode",
                                      "expandtabs",
                                      "format_map",
                                      "isidentifier",
                                      "isprintable",
                                      "maketrans",
                                      "translate"}
                                 );
}

}  // namespace penstock::worker::jinja
