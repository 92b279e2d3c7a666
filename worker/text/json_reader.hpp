// A value of a JSON document with its path, read strictly: a wrong type, a missing member and a
// member that nobody knows are errors that name the path.
#pragma once

#include "penstock/result.hpp"

#include <boost/json.hpp>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::worker {

class json_reader {
 public:
    json_reader(const boost::json::value& value, std::string path)
        : value_(&value), path_(std::move(path)) {}

    const boost::json::value& value() const noexcept { return *value_; }
    bool is_null() const noexcept { return value_->is_null(); }

    // invalid_value: "tokenizer.json: <path>: <what>".
    error refuse(std::string_view what) const;

    result<void> only_members(std::initializer_list<std::string_view> names) const;
    result<json_reader> member(std::string_view name) const;
    // None where it is missing or null.
    result<std::optional<json_reader>> optional_member(std::string_view name) const;

    result<const boost::json::object*> object() const;
    result<const boost::json::array*> array() const;
    json_reader element(const boost::json::value& of, std::size_t index) const;
    json_reader named(const boost::json::value& of, std::string_view name) const;

    result<std::string_view> string() const;
    result<bool> boolean() const;
    result<std::int64_t> integer() const;

    result<std::string_view> string(std::string_view name) const;
    result<bool> boolean(std::string_view name) const;
    result<bool> boolean(std::string_view name, bool if_missing) const;
    // The member is there, a string, and this one.
    result<void> expect(std::string_view name, std::string_view text) const;
    // The member is there and is `wanted`.
    result<void> expect_flag(std::string_view name, bool wanted) const;

 private:
    const boost::json::value* value_;
    std::string path_;
};

}  // namespace penstock::worker
