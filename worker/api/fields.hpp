// Reads the members of a JSON object strictly: the first that is wrong becomes the request's
// refusal, and names its path ("messages[2].content").
//
// `null` means absent everywhere, as OpenAI's SDKs write it. What nobody asks for is ignored.
#pragma once

#include "penstock/refusal.hpp"

#include <boost/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::worker {

// The first thing that is wrong with a request; what is found later is not said.
using first_fault = std::optional<refusal>;

// "a string", "an integer" …: for messages.
std::string_view kind_of(const boost::json::value& value) noexcept;

class field_reader {
 public:
    // `of` and `fault` must outlive it.
    field_reader(const boost::json::object& of, first_fault& fault, std::string path = {})
        : of_(of), fault_(fault), path_(std::move(path)) {}

    // Null when absent or null.
    const boost::json::value* find(std::string_view name) const noexcept;
    bool has(std::string_view name) const noexcept { return find(name) != nullptr; }

    // Each gives nothing when the field is absent, or wrong (then `fault` says so).
    std::optional<bool> flag(std::string_view name);
    std::optional<double> number(std::string_view name, double least, double most);
    // A number without a fraction: 5.0 is one, as every JSON parser of a client may write it.
    std::optional<std::int64_t> integer(
        std::string_view name, std::int64_t least, std::int64_t most
    );
    const boost::json::string* text(std::string_view name);
    const boost::json::object* object(std::string_view name);
    const boost::json::array* array(std::string_view name);

    void refuse(errc code, std::string_view name, std::string message);
    void refuse_type(std::string_view name, std::string_view wanted);
    bool is_refused() const noexcept { return fault_.has_value(); }
    first_fault& fault() noexcept { return fault_; }

    std::string path_of(std::string_view name) const;

 private:
    const boost::json::object& of_;
    first_fault& fault_;
    std::string path_;  // "messages[2]"; empty at the top
};

// The whole body. Errors: invalid_json, with the place; json_too_deep; wrong_type when it is no
// object.
stage_result<boost::json::object> parse_body(std::string_view body, std::size_t depth);

}  // namespace penstock::worker
