// What the types of settings do not say: units and ranges, which are secrets, which are not built
// yet.
#pragma once

#include "gateway/settings/scalars.hpp"

#include <string>
#include <string_view>

namespace penstock::settings {

// The name under which the tables, the documentation and the schema know a setting. Settings of a
// pool or replica, which can stand at several places, have one: "pools.*.context",
// "replicas[].slots". All others: the pattern itself, "models.*.max_tokens".
std::string_view setting_key(std::string_view pattern);

// Of a number: both ends are allowed; bytes, tokens, nanoseconds.
struct range {
    std::string_view key;
    unit in = unit::count;
    double least = 0;
    double most = 0;
};
// Every number has one: a test walks them all.
const range& range_of(std::string_view key);
std::string format_number(double number, unit in);
std::string format_range(const range& of);  // "between 1 and 65536"

// Of text, lists and tables.
struct trait {
    std::string_view key;
    bool required = false;  // must be written
    bool secret = false;    // never printed
    bool file = false;      // a file name, relative to the settings file's folder
};
trait trait_of(std::string_view key);

// Named in the design and not enforced yet: refused with words of its own.
bool is_planned(std::string_view key);

// The short forms of models.*.versions: empty once loaded.
bool is_short_form(std::string_view key);

}  // namespace penstock::settings
