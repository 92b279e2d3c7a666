// Messages of config.json name the field, what it must be and what stands there.
#include "worker/models/config_fields.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <charconv>
#include <cmath>

namespace penstock::worker {

namespace {

std::string shown(const boost::json::value& value) {
    if (value.is_object()) return "an object";
    if (value.is_array()) return "a list";
    if (value.is_double()) {
        char digits[32];
        const auto end = std::to_chars(digits, digits + sizeof digits, value.get_double()).ptr;
        const std::string text(digits, end);
        const bool looks_whole = text.find_first_of(".en") == std::string::npos;
        return looks_whole ? text + ".0" : text;
    }
    constexpr std::size_t most = 80;
    std::string text = boost::json::serialize(value);
    if (text.size() > most) text = text.substr(0, most) + "…";
    return text;
}

}  // namespace

const boost::json::value* config_fields::find(std::string_view name) const {
    const boost::json::value* found = of_.if_contains({name.data(), name.size()});
    return found && !found->is_null() ? found : nullptr;
}

error config_fields::must(std::string_view name, std::string_view what) const {
    const boost::json::value* found = find(name);
    return refuse(
        name,
        "must be " + std::string(what) + ", not " + (found ? shown(*found) : std::string("absent"))
    );
}

error config_fields::refuse(std::string_view name, std::string_view what) const {
    return {
        errc::invalid_value, "config.json: `" + path_ + std::string(name) + "` " + std::string(what)
    };
}

result<std::optional<std::uint32_t>> config_fields::whole(std::string_view name, whole_range range)
    const {
    const boost::json::value* found = find(name);
    if (!found) return std::optional<std::uint32_t>();
    const bool fits =
        found->is_int64() && found->get_int64() >= range.least && found->get_int64() <= range.most;
    if (!fits)
        return must(
            name,
            "a whole number from " + std::to_string(range.least) + " to " +
                std::to_string(range.most)
        );
    return std::optional(static_cast<std::uint32_t>(found->get_int64()));
}

result<std::uint32_t> config_fields::needed_whole(std::string_view name, whole_range range) const {
    TRY(const std::optional<std::uint32_t> value, whole(name, range));
    if (!value) return refuse(name, "is missing");
    return *value;
}

result<std::uint32_t> config_fields::whole_or(
    std::string_view name, whole_range range, std::uint32_t otherwise
) const {
    TRY(const std::optional<std::uint32_t> value, whole(name, range));
    return value.value_or(otherwise);
}

result<std::optional<double>> config_fields::number(std::string_view name) const {
    const boost::json::value* found = find(name);
    if (!found) return std::optional<double>();
    if (!found->is_number()) return must(name, "a number");
    const double value = found->to_number<double>();
    if (!std::isfinite(value)) return must(name, "a finite number");
    return std::optional(value);
}

result<double> config_fields::positive_or(std::string_view name, double otherwise) const {
    TRY(const std::optional<double> value, number(name));
    if (value && *value <= 0) return must(name, "a number above 0");
    return value.value_or(otherwise);
}

result<bool> config_fields::flag_or(std::string_view name, bool otherwise) const {
    const boost::json::value* found = find(name);
    if (!found) return otherwise;
    if (!found->is_bool()) return must(name, "true or false");
    return found->get_bool();
}

result<std::optional<std::string>> config_fields::text(std::string_view name) const {
    const boost::json::value* found = find(name);
    if (!found) return std::optional<std::string>();
    if (!found->is_string()) return must(name, "a text");
    return std::optional(std::string(found->get_string()));
}

result<const boost::json::object*> config_fields::object(std::string_view name) const {
    const boost::json::value* found = find(name);
    if (!found) return nullptr;
    if (!found->is_object()) return must(name, "an object");
    return &found->get_object();
}

}  // namespace penstock::worker
