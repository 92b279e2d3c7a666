// simdjson's document as a value of Boost.JSON.
#include "worker/api/read_json.hpp"

#include <simdjson.h>

namespace penstock::worker {
namespace {

namespace json = boost::json;
using simdjson::dom::element;
using simdjson::dom::element_type;

// No deeper than the document, whose depth was checked.
json::value value_of(element from) {
    switch (from.type()) {
        case element_type::INT64:
            return from.get_int64().value_unsafe();
        case element_type::UINT64:
            return from.get_uint64().value_unsafe();
        case element_type::DOUBLE:
            return from.get_double().value_unsafe();
        case element_type::BOOL:
            return from.get_bool().value_unsafe();
        case element_type::STRING:
            return json::string(from.get_string().value_unsafe());
        case element_type::ARRAY: {
            const simdjson::dom::array items = from.get_array().value_unsafe();
            json::array out;
            out.reserve(items.size());
            for (const element item : items)
                out.push_back(value_of(item));
            return out;
        }
        case element_type::OBJECT: {
            const simdjson::dom::object members = from.get_object().value_unsafe();
            json::object out;
            out.reserve(members.size());
            for (const auto& [name, member] : members)
                out[name] = value_of(member);
            return out;
        }
        case element_type::NULL_VALUE:
            break;
    }
    return nullptr;
}

}  // namespace

result<json::value> read_json(std::string_view text, std::size_t depth) {
    const simdjson::padded_string padded(text);
    simdjson::dom::parser parser;
    // Its depth counts the document, too.
    simdjson::error_code failed = parser.allocate(text.size(), depth + 1);
    element root;
    if (!failed) failed = parser.parse(padded).get(root);
    if (failed == simdjson::DEPTH_ERROR) return error(errc::json_too_deep);
    if (failed) return error(errc::invalid_json, simdjson::error_message(failed));
    return value_of(root);
}

}  // namespace penstock::worker
