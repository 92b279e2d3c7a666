// The only file that looks into the description lines.
#include "gateway/settings/reflect.hpp"

#include <boost/describe.hpp>

#include <algorithm>
#include <array>
#include <type_traits>

namespace penstock::settings::tree {

namespace {

template <class T>
value view(T& object);

template <class T, class Described>
value member(void* object) {
    T& owner = *static_cast<T*>(object);
    value seen = view(owner.*Described::pointer);
    if constexpr (requires { owner.pool_order; })
        if (Described::name == std::string_view("pools"))
            std::get<table>(seen.as).order = &owner.pool_order;
    return seen;
}

template <class T, template <class...> class Members, class... Described>
record view_record(T& object, Members<Described...>) {
    static constexpr std::array<field, sizeof...(Described)> fields{
        field{Described::name, &member<T, Described>}...
    };
    return {&object, fields};
}

// An enumerator cannot begin with a digit: `v1_81` is written "1.81".
std::string written(std::string_view enumerator) {
    std::string name(enumerator);
    if (name.size() < 2 || name[0] != 'v' || name[1] < '0' || name[1] > '9') return name;
    name.erase(0, 1);
    for (char& c : name)
        if (c == '_') c = '.';
    return name;
}

template <class T, template <class...> class Enumerators, class... Described>
choice view_choice(T& object, Enumerators<Described...>) {
    static const std::array<std::string, sizeof...(Described)> names{written(Described::name)...};
    static constexpr std::array<T, sizeof...(Described)> values{Described::value...};
    return {
        &object,
        names,
        [](const void* at) {
            std::size_t i = 0;
            while (values[i] != *static_cast<const T*>(at))
                ++i;
            return i;
        },
        [](void* at, std::size_t i) { *static_cast<T*>(at) = values[i]; }
    };
}

template <class T>
value view_of(std::vector<T>& items) {
    using items_t = std::vector<T>;
    return {list{
        &items,
        [](const void* at) { return static_cast<const items_t*>(at)->size(); },
        [](void* at, std::size_t i) { return view((*static_cast<items_t*>(at))[i]); },
        [](void* at) { return view(static_cast<items_t*>(at)->emplace_back()); },
        [](void* at) { static_cast<items_t*>(at)->clear(); }
    }};
}

template <class T>
value view_of(std::map<std::string, T>& entries) {
    using entries_t = std::map<std::string, T>;
    return {table{
        &entries,
        nullptr,
        [](const void* at) {
            std::vector<std::string> names;
            for (const auto& [name, entry] : *static_cast<const entries_t*>(at))
                names.push_back(name);
            return names;
        },
        [](void* at, const std::string& name) { return view((*static_cast<entries_t*>(at))[name]); }
    }};
}

template <class T>
value view_of(std::optional<T>& object) {
    using object_t = std::optional<T>;
    return {maybe{
        &object,
        [](const void* at) { return static_cast<const object_t*>(at)->has_value(); },
        [](void* at) {
            object_t& here = *static_cast<object_t*>(at);
            if (!here) here.emplace();
            return view(*here);
        }
    }};
}

template <class T>
value view(T& object) {
    if constexpr (boost::describe::has_describe_enumerators<T>::value)
        return {view_choice(object, boost::describe::describe_enumerators<T>{})};
    else if constexpr (boost::describe::has_describe_members<T>::value)
        return {
            view_record(object, boost::describe::describe_members<T, boost::describe::mod_public>{})
        };
    else if constexpr (requires { value{&object}; })
        return {&object};
    else
        return view_of(object);
}

using seer = std::function<void(const std::string&, const value&)>;

void walk(const std::string& pattern, const value& at, const seer& see) {
    if (!pattern.empty()) see(pattern, at);
    if (const auto* record = std::get_if<tree::record>(&at.as)) {
        const std::string prefix = pattern.empty() ? "" : pattern + '.';
        for (const field& each : record->fields)
            walk(prefix + std::string(each.name), each.of(record->object), see);
    } else if (const auto* maybe = std::get_if<tree::maybe>(&at.as)) {
        const value inner = maybe->get(maybe->object);
        for (const field& each : std::get<tree::record>(inner.as).fields)
            walk(
                pattern + '.' + std::string(each.name),
                each.of(std::get<tree::record>(inner.as).object),
                see
            );
    } else if (const auto* table = std::get_if<tree::table>(&at.as)) {
        walk(pattern + ".*", table->add("*"), see);
    } else if (const auto* list = std::get_if<tree::list>(&at.as)) {
        walk(pattern + "[]", list->append(list->object), see);
    }
}

}  // namespace

std::vector<std::string> table::names() const {
    std::vector<std::string> all = sorted(object);
    return order && order->size() == all.size() ? *order : all;
}

value table::add(const std::string& name) const {
    value added = at(object, name);
    if (order && std::find(order->begin(), order->end(), name) == order->end())
        order->push_back(name);
    return added;
}

value reflect(root& settings) {
    return view(settings);
}

void for_each_setting(const seer& see) {
    root standard;
    walk("", reflect(standard), see);
}

}  // namespace penstock::settings::tree
