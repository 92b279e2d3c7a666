// A YAML document as plain values that keep their places. Only document.cpp knows yaml-cpp.
#pragma once

#include "gateway/settings/mistake.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::settings {

struct node {
    enum class kind { null, scalar, list, map };
    struct entry;

    kind is = kind::null;
    position at;
    std::string text;            // of a scalar
    std::vector<node> items;     // of a list
    std::vector<entry> entries;  // of a map, in the order written, each key once
};

struct node::entry {
    std::string key;
    position at;  // of the key
    node value;
};

// Nothing when the text is not YAML. Duplicate keys, keys that are not text, tags and further
// documents are mistakes too; anchors are resolved within a bound. Never throws for any text.
std::optional<node> parse_document(std::string_view yaml, findings& out);

}  // namespace penstock::settings
