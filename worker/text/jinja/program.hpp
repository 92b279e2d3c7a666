// A template of the subset: parsed once, rendered often.
#pragma once

#include "worker/text/jinja/syntax_tree.hpp"

#include <boost/json.hpp>

#include <memory>
#include <string_view>

namespace penstock::worker::jinja {

class program {
 public:
    // `constants`: names that every rendering sees; their strings are the template's own.
    static result<program> parse(
        std::string_view source, boost::json::object constants, const limits& most
    );

    // Strings among the values are the user's. Of what `constants` and `values` both name, the
    // value is seen. `now` is what strftime_now says, in the machine's zone. Thread-safe. Errors:
    // context_length_exceeded for more text than `output_bytes`, whole or in one string;
    // invalid_value.
    result<text> render(
        const boost::json::object& values, std::chrono::system_clock::time_point now
    ) const;

 private:
    std::unique_ptr<const syntax_tree> tree_;
    boost::json::object constants_;
    limits most_;
};

}  // namespace penstock::worker::jinja
