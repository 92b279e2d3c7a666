// One request to the admin API of a gateway that runs: for the commands.
#pragma once

#include "gateway/upstreams/ask.hpp"

#include <string>
#include <string_view>

namespace penstock::gateway {

struct admin_question {
    std::string admin;  // http://host[:port], https://host[:port] or unix:PATH
    std::string key;    // the master key
    std::string method = "GET", path;
    std::string body;  // JSON; empty: none
    duration patience = std::chrono::seconds(10);
};

// Blocks until the gateway has answered, on a loop of its own.
result<small_answer> ask_admin(const admin_question& what);

// What the answer's error object says; empty: it is none.
std::string reason_in(std::string_view body);

}  // namespace penstock::gateway
