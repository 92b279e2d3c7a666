// JSON as the logs write it.
#include "gateway/explain/plain_json.hpp"

#include <charconv>
#include <cmath>

namespace penstock::gateway {
namespace {

void append(std::string& out, const boost::json::value& value);

void append(std::string& out, double value) {
    const double size = std::abs(value);
    const bool usual = size == 0 || (size >= 1e-6 && size < 1e15);
    char digits[32];
    const auto how = usual ? std::chars_format::fixed : std::chars_format::general;
    out.append(digits, std::to_chars(digits, digits + sizeof digits, value, how).ptr);
}

void append(std::string& out, const boost::json::array& all) {
    out += '[';
    for (const auto& each : all) {
        if (out.back() != '[') out += ',';
        append(out, each);
    }
    out += ']';
}

void append(std::string& out, const boost::json::object& all) {
    out += '{';
    for (const auto& [name, value] : all) {
        if (out.back() != '{') out += ',';
        out += boost::json::serialize(boost::json::value(name));
        out += ':';
        append(out, value);
    }
    out += '}';
}

void append(std::string& out, const boost::json::value& value) {
    if (const auto* object = value.if_object()) return append(out, *object);
    if (const auto* array = value.if_array()) return append(out, *array);
    if (const auto* number = value.if_double()) return append(out, *number);
    out += boost::json::serialize(value);
}

}  // namespace

std::string plain_json(const boost::json::value& value) {
    std::string out;
    append(out, value);
    return out;
}

}  // namespace penstock::gateway
