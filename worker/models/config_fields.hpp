// Fields of config.json, read strictly: what is not as it must be is named.
#pragma once

#include "penstock/result.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::worker {

struct whole_range {
    std::uint32_t least = 1;
    std::uint32_t most = std::numeric_limits<std::int32_t>::max();
};

// Of one object. A field that is null counts as absent, as Hugging Face writes it. Errors:
// invalid_value.
class config_fields {
 public:
    // `path` stands before the names in messages: "rope_scaling.".
    explicit config_fields(const boost::json::object& of, std::string path = {})
        : of_(of), path_(std::move(path)) {}

    bool has(std::string_view name) const { return find(name) != nullptr; }
    result<std::optional<std::uint32_t>> whole(std::string_view name, whole_range range) const;
    result<std::uint32_t> needed_whole(std::string_view name, whole_range range) const;
    result<std::uint32_t> whole_or(
        std::string_view name, whole_range range, std::uint32_t otherwise
    ) const;
    // Finite.
    result<std::optional<double>> number(std::string_view name) const;
    result<double> positive_or(std::string_view name, double otherwise) const;
    result<bool> flag_or(std::string_view name, bool otherwise) const;
    result<std::optional<std::string>> text(std::string_view name) const;
    // Null when absent; lives as long as the object.
    result<const boost::json::object*> object(std::string_view name) const;

    // "config.json: `rope_scaling.factor` must be …"
    error must(std::string_view name, std::string_view what) const;
    error refuse(std::string_view name, std::string_view what) const;
    const boost::json::value* find(std::string_view name) const;

 private:
    const boost::json::object& of_;
    std::string path_;
};

}  // namespace penstock::worker
