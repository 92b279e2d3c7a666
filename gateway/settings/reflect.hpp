// The settings as a tree that ordinary code can walk. Templates over the description lines end in
// reflect.cpp, so that loader, printer and schema are compiled once and know no struct by name.
#pragma once

#include "gateway/settings/settings.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace penstock::settings::tree {

struct value;

struct field {
    std::string_view name;
    value (*of)(void* record);
};

// A described struct.
struct record {
    void* object;
    std::span<const field> fields;
};

// A described enumeration; `names` as an operator writes them.
struct choice {
    void* object;
    std::span<const std::string> names;
    std::size_t (*get)(const void*);
    void (*set)(void*, std::size_t);
};

// std::vector
struct list {
    void* object;
    std::size_t (*size)(const void*);
    value (*at)(void*, std::size_t);
    value (*append)(void*);
    void (*clear)(void*);
};

// std::map by name. With `order`, the names in the order written stand there.
struct table {
    void* object;
    std::vector<std::string>* order;
    std::vector<std::string> (*sorted)(const void*);
    value (*at)(void*, const std::string&);  // added when it is not there

    std::vector<std::string> names() const;
    value add(const std::string& name) const;
};

// std::optional
struct maybe {
    void* object;
    bool (*has)(const void*);
    value (*get)(void*);  // made when it is not there
};

struct value {
    std::variant<
        std::string*,
        bool*,
        std::uint32_t*,
        std::uint64_t*,
        double*,
        duration*,
        choice,
        list,
        table,
        maybe,
        record>
        as;
};

// Points into `settings`, which must outlive it.
value reflect(root& settings);

// Every setting once, outermost first, with its pattern ("models.*.versions.*.pools.*.context",
// "listen[].address") and a value that holds its default.
void for_each_setting(
    const std::function<void(const std::string& pattern, const value& standard)>& see
);

}  // namespace penstock::settings::tree
