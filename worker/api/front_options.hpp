// What an operator sets of the door: addresses, connections, bodies, threads of text.
#pragma once

#include "penstock/clock.hpp"
#include "penstock/http/server.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace penstock::worker {

struct service_options {
    std::string version;                     // of the program
    std::size_t in_place_bytes = 64 * 1024;  // longer bodies are prepared beside the loop
    unsigned text_threads = 1;               // that do it
    std::size_t max_waiting_texts = 256;     // for them; more are refused with 503
    // A comment in a stream that has waited so long for its first token, and then as often; 0:
    // none.
    duration keepalive_after = std::chrono::seconds(10);
};

struct front_options {
    std::vector<std::string> listen;  // "127.0.0.1:8100", "unix:/run/penstock/worker.sock"
    int backlog = 1024;               // connections of an address that nobody has accepted yet
    std::uint32_t max_connections = 1024;
    http::server_options server;
    std::uint64_t bodies_bytes = 256 * 1024 * 1024;  // of all requests that are being read
    service_options service;
};

}  // namespace penstock::worker
