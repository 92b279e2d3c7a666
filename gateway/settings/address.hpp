// Addresses as an operator writes them: where to listen, and the URLs of replicas.
#pragma once

#include "penstock/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::settings {

struct address {
    std::string host;  // IP literal without brackets, or a name; empty: a Unix socket
    std::uint16_t port = 0;
    std::string path;  // of the Unix socket
    bool tls = false;  // https
    bool operator==(const address&) const = default;
};

// The address, or what is wrong with it: "must …".
using parsed_address = result<address, std::string>;

// 127.0.0.1:4000, [::1]:4000, localhost:4000 (which becomes 127.0.0.1), unix:PATH. Port 0: any free
// one.
parsed_address parse_listen(std::string_view text);

// http://host[:port], https://host[:port], unix:PATH. Port 80 or 443 when it is not written.
parsed_address parse_upstream(std::string_view text);

// 127.0.0.0/8, ::1 or a Unix socket: nobody on another machine can reach it.
bool is_local(const address& at);

// The first of these listeners' addresses that another machine may reach; empty: there is none.
std::string first_not_local(const std::vector<std::string>& listeners);

// "127.0.0.1:4000", "[::1]:4000", "unix:/run/penstock.sock".
std::string to_text(const address& at);

}  // namespace penstock::settings
