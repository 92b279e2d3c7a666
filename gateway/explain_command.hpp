// `penstock explain`: what would become of a request, of a gateway that runs or of an idle one.
#pragma once

#include "penstock/refusal.hpp"

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::gateway {

struct explain_order {
    std::string question;  // JSON; empty: what the members below say of it
    std::string model, key_name, klass, path;
    std::optional<std::uint64_t> bytes, max_tokens;
    bool stream = false;

    std::string admin;  // http://host[:port], https://host[:port] or unix:PATH
    std::string key;    // the master key
    bool as_json = false;
};

// What the shell gets to know. A request that would be refused is explained all the same.
enum class explain_exit : int {
    done = 0,
    refused = 1,     // by the gateway: the key, the question, …
    not_reached = 2  // or what answered is no gateway
};

// Blocks until the gateway has answered. The explanation to `out`, what went wrong to `err`.
explain_exit explain_running(const explain_order& what, std::ostream& out, std::ostream& err);

// The same of a gateway in this process; `explains` answers a question.
explain_exit explain_here(
    const explain_order& what,
    const std::function<stage_result<std::string>(std::string_view question)>& explains,
    std::ostream& out,
    std::ostream& err
);

}  // namespace penstock::gateway
