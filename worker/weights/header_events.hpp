// The events of the JSON of a safetensors header to tensors: what basic_parser of Boost.JSON calls.
//
// Events and not a document, since a document keeps one of two equal names and forgets the other.
#pragma once

#include "worker/weights/safetensors_header.hpp"

#include <boost/json/error.hpp>
#include <boost/json/string_view.hpp>

#include <unordered_set>

namespace penstock::worker {

class header_events {
 public:
    using code = boost::json::error_code;
    using view = boost::json::string_view;

    static constexpr std::size_t max_object_size = std::size_t(-1);
    static constexpr std::size_t max_array_size = std::size_t(-1);
    static constexpr std::size_t max_key_size = std::size_t(-1);
    static constexpr std::size_t max_string_size = std::size_t(-1);

    std::vector<stored_tensor> tensors;
    std::string fault;  // why an event was refused

    bool on_document_begin(code&) { return true; }
    bool on_document_end(code&) { return true; }
    bool on_object_begin(code& ec);
    bool on_object_end(std::size_t, code& ec);
    bool on_array_begin(code& ec);
    bool on_array_end(std::size_t n, code& ec);
    bool on_key_part(view part, std::size_t, code& ec);
    bool on_key(view part, std::size_t, code& ec);
    bool on_string_part(view part, std::size_t, code& ec);
    bool on_string(view part, std::size_t, code& ec);
    bool on_number_part(view, code&) { return true; }
    bool on_int64(std::int64_t value, view, code& ec);
    bool on_uint64(std::uint64_t value, view, code& ec);
    bool on_double(double, view, code& ec) { return unexpected("a fraction", ec); }
    bool on_bool(bool, code& ec) { return unexpected("a boolean", ec); }
    bool on_null(code& ec) { return unexpected("null", ec); }
    bool on_comment_part(view, code&) { return true; }
    bool on_comment(view, code&) { return true; }

 private:
    enum class place : std::uint8_t { outside, top, metadata, tensor, shape, offsets };
    enum field : std::uint8_t { type_field = 1, shape_field = 2, offsets_field = 4 };

    bool refuse(std::string why, code& ec);
    bool unexpected(std::string_view what, code& ec);
    bool named_at_top(code& ec);
    bool named_in_tensor(code& ec);
    bool add(std::uint64_t value, code& ec);
    std::string subject() const;

    place place_ = place::outside;
    std::string key_;
    stored_tensor tensor_;
    std::vector<std::uint64_t> offsets_;
    unsigned fields_ = 0;         // of this tensor, seen so far
    field awaited_ = type_field;  // whose value comes next
    std::unordered_set<std::string> names_;
};

}  // namespace penstock::worker
