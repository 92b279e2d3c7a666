// Truth, equality and length as Python has them.
#include "worker/text/jinja/value.hpp"

#include "worker/text/jinja/unicode.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace penstock::worker::jinja {
namespace {

bool equal_numbers(const value& a, const value& b) noexcept {
    if (a.is_whole() && b.is_whole()) return a.whole() == b.whole();
    if (!a.is_whole() && !b.is_whole()) return a.real() == b.real();
    const integer whole = a.is_whole() ? a.whole() : b.whole();
    const double real = a.is_whole() ? b.real() : a.real();
    if (!(std::fabs(real) < 0x1p126)) return false;
    return real == std::trunc(real) && static_cast<integer>(real) == whole;
}

bool equal_items(const std::vector<value>& a, const std::vector<value>& b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), equal);
}

bool equal_dicts(const dict& a, const dict& b) noexcept {
    if (a.entries.size() != b.entries.size()) return false;
    return std::all_of(a.entries.begin(), a.entries.end(), [&](const auto& entry) {
        const value* other = b.find(entry.first);
        return other != nullptr && equal(entry.second, *other);
    });
}

}  // namespace

const value* dict::find(std::string_view key) const noexcept {
    for (const auto& [name, member] : entries)
        if (name.is_string() && name.bytes() == key) return &member;
    return nullptr;
}

const value* dict::find(const value& key) const noexcept {
    if (key.is_string()) return find(key.bytes());
    for (const auto& [name, member] : entries)
        if (equal(name, key)) return &member;
    return nullptr;
}

void dict::set(const value& key, const value& to) {
    size.take_in(key);
    size.take_in(to);
    if (const value* const there = find(key))
        *const_cast<value*>(there) = to;
    else
        entries.emplace_back(key, to);
}

const value* name_space::find(std::string_view name) const noexcept {
    for (const auto& [key, member] : members)
        if (key == name) return &member;
    return nullptr;
}

bool is_true(const value& v) noexcept {
    switch (v.what()) {
        case kind::absent:
        case kind::undefined:
        case kind::none:
            return false;
        case kind::boolean:
        case kind::integer:
            return v.whole() != 0;
        case kind::real:
            return v.real() != 0;
        case kind::string:
            return !v.bytes().empty();
        case kind::list:
        case kind::tuple:
        case kind::range:
        case kind::view:
            return !v.items().empty();
        case kind::dict:
            return !v.as_dict().entries.empty();
        default:
            return true;
    }
}

bool equal(const value& a, const value& b) noexcept {
    if (a.is_number() && b.is_number()) return equal_numbers(a, b);
    if (a.what() != b.what()) return false;
    switch (a.what()) {
        case kind::absent:
        case kind::undefined:
        case kind::none:
            return true;
        case kind::string:
            return a.bytes() == b.bytes();
        case kind::list:
        case kind::tuple:
        case kind::range:
        case kind::view:
            return a.identity() == b.identity() || equal_items(a.items(), b.items());
        case kind::dict:
            return a.identity() == b.identity() || equal_dicts(a.as_dict(), b.as_dict());
        default:
            return a.identity() == b.identity();
    }
}

extent extent_of(const value& v) noexcept {
    if (v.has_items()) return v.as_list()->size;
    if (v.is(kind::dict)) return v.as_dict().size;
    if (v.is(kind::generator)) return v.as_generator().all->size;
    if (v.is(kind::bound)) return extent_of(v.as_bound().self);
    return {0, 1};
}

void extent::take_in(const value& member) noexcept {
    const extent more = extent_of(member);
    depth = std::max(depth, more.depth + 1);
    if (__builtin_add_overflow(weight, more.weight, &weight))
        weight = std::numeric_limits<std::uint64_t>::max();
}

std::string_view object_name(kind k) noexcept {
    switch (k) {
        case kind::absent:
        case kind::none:
            return "None";
        case kind::boolean:
            return "bool object";
        case kind::integer:
            return "int object";
        case kind::real:
            return "float object";
        case kind::string:
            return "str object";
        case kind::list:
            return "list object";
        case kind::tuple:
            return "tuple object";
        case kind::range:
            return "range object";
        case kind::view:
            return "dict_view object";
        case kind::dict:
            return "dict object";
        case kind::generator:
            return "generator object";
        case kind::name_space:
            return "jinja2.utils.Namespace object";
        case kind::loop:
            return "jinja2.runtime.LoopContext object";
        case kind::macro:
            return "jinja2.runtime.Macro object";
        case kind::bound:
            return "builtin_function_or_method object";
        default:
            return "function object";
    }
}

std::string_view type_name(kind k) noexcept {
    switch (k) {
        case kind::none:
            return "NoneType";
        case kind::undefined:
            return "Undefined";
        case kind::name_space:
            return "Namespace";
        case kind::loop:
            return "LoopContext";
        case kind::macro:
            return "Macro";
        default: {
            const std::string_view name = object_name(k);
            return name.substr(0, name.find(' '));
        }
    }
}

std::ptrdiff_t length_of(const value& v) noexcept {
    switch (v.what()) {
        case kind::undefined:
            return 0;
        case kind::string:
            return static_cast<std::ptrdiff_t>(count_code_points(v.bytes()));
        case kind::list:
        case kind::tuple:
        case kind::range:
        case kind::view:
            return static_cast<std::ptrdiff_t>(v.items().size());
        case kind::dict:
            return static_cast<std::ptrdiff_t>(v.as_dict().entries.size());
        default:
            return -1;
    }
}

}  // namespace penstock::worker::jinja
