// Members of a JSON object, read strictly.
#include "worker/api/fields.hpp"

#include "worker/api/read_json.hpp"

#include <cmath>

namespace penstock::worker {

namespace json = boost::json;

std::string_view kind_of(const json::value& value) noexcept {
    switch (value.kind()) {
        case json::kind::null:
            return "null";
        case json::kind::bool_:
            return "a boolean";
        case json::kind::int64:
        case json::kind::uint64:
            return "an integer";
        case json::kind::double_:
            return "a number";
        case json::kind::string:
            return "a string";
        case json::kind::array:
            return "an array";
        case json::kind::object:
            return "an object";
    }
    return "something else";
}

namespace {

std::string text_of(double value) {
    if (std::abs(value) < 1e15 && value == std::floor(value))
        return std::to_string(static_cast<std::int64_t>(value));
    std::string text = std::to_string(value);
    text.erase(text.find_last_not_of('0') + 1);
    return text;
}

bool is_whole(double value) noexcept {
    return std::abs(value) < 9e15 && value == std::floor(value);
}

}  // namespace

const json::value* field_reader::find(std::string_view name) const noexcept {
    const json::value* found = of_.if_contains(name);
    return found && !found->is_null() ? found : nullptr;
}

std::string field_reader::path_of(std::string_view name) const {
    if (path_.empty()) return std::string(name);
    if (name.empty()) return path_;
    return path_ + "." + std::string(name);
}

void field_reader::refuse(errc code, std::string_view name, std::string message) {
    if (!fault_) fault_ = refusal(code, std::move(message), path_of(name));
}

void field_reader::refuse_type(std::string_view name, std::string_view wanted) {
    const json::value* found = of_.if_contains(name);
    const std::string_view got = found ? kind_of(*found) : "absent";
    refuse(
        errc::wrong_type,
        name,
        "'" + path_of(name) + "' must be " + std::string(wanted) + ", not " + std::string(got) + "."
    );
}

std::optional<bool> field_reader::flag(std::string_view name) {
    const json::value* found = find(name);
    if (!found) return std::nullopt;
    if (const bool* value = found->if_bool()) return *value;
    refuse_type(name, "a boolean");
    return std::nullopt;
}

std::optional<double> field_reader::number(std::string_view name, double least, double most) {
    const json::value* found = find(name);
    if (!found) return std::nullopt;
    if (!found->is_number()) {
        refuse_type(name, "a number");
        return std::nullopt;
    }
    const double value = found->to_number<double>();
    if (value >= least && value <= most) return value;
    refuse(
        errc::invalid_value,
        name,
        "'" + path_of(name) + "' must be between " + text_of(least) + " and " + text_of(most) +
            ", not " + json::serialize(*found) + "."
    );
    return std::nullopt;
}

std::optional<std::int64_t> field_reader::integer(
    std::string_view name, std::int64_t least, std::int64_t most
) {
    const json::value* found = find(name);
    if (!found) return std::nullopt;
    std::optional<std::int64_t> value;
    if (const auto* whole = found->if_int64()) {
        value = *whole;
    } else if (const auto* as_double = found->if_double(); as_double && is_whole(*as_double)) {
        value = static_cast<std::int64_t>(*as_double);
    } else if (!found->is_uint64()) {
        refuse_type(name, "an integer");
        return std::nullopt;
    }
    if (value && *value >= least && *value <= most) return value;
    refuse(
        errc::invalid_value,
        name,
        "'" + path_of(name) + "' must be between " + std::to_string(least) + " and " +
            std::to_string(most) + ", not " + json::serialize(*found) + "."
    );
    return std::nullopt;
}

const json::string* field_reader::text(std::string_view name) {
    const json::value* found = find(name);
    if (!found || found->is_string()) return found ? &found->get_string() : nullptr;
    refuse_type(name, "a string");
    return nullptr;
}

const json::object* field_reader::object(std::string_view name) {
    const json::value* found = find(name);
    if (!found || found->is_object()) return found ? &found->get_object() : nullptr;
    refuse_type(name, "an object");
    return nullptr;
}

const json::array* field_reader::array(std::string_view name) {
    const json::value* found = find(name);
    if (!found || found->is_array()) return found ? &found->get_array() : nullptr;
    refuse_type(name, "an array");
    return nullptr;
}

stage_result<json::object> parse_body(std::string_view body, std::size_t depth) {
    auto read = read_json(body, depth);
    if (read.has_error() && read.error().code == errc::json_too_deep)
        return refusal(errc::json_too_deep);
    if (read.has_error())
        return refusal(
            errc::invalid_json, "The request's body is not valid JSON: " + read.error().detail
        );
    json::value whole = std::move(read).value();
    if (!whole.is_object())
        return refusal(
            errc::wrong_type,
            "The request's body must be an object, not " + std::string(kind_of(whole)) + "."
        );
    return std::move(whole.get_object());
}

}  // namespace penstock::worker
