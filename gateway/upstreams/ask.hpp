// One small request on a connection of its own, and its answer whole: for probes and the like.
#pragma once

#include "gateway/upstreams/upstream.hpp"

#include <string>
#include <string_view>

namespace penstock::gateway {

struct question {
    std::string_view method, path;
    std::string_view headers;             // whole lines, Host among them
    std::string_view body = {};           // JSON; empty: none
    std::size_t answer_max = 256 * 1024;  // bytes of the answer's body; what is beyond is not read
};

struct small_answer {
    int status = 0;
    std::string body;
};

// Over `channel`, which the caller closes, also to end the wait with `canceled`.
io::task<result<small_answer>> ask(
    io::channel& channel, io::loop& home, upstream& where, question what, time_point deadline
);

}  // namespace penstock::gateway
