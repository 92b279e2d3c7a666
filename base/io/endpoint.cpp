// Addresses: parsed from text, resolved from names.
#include "base/io/errors.hpp"
#include "penstock/io/channel.hpp"

#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

namespace penstock::io {
namespace {

template <class Address>
endpoint make(const Address& address, socklen_t size) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(&address);
    return {text_of(reinterpret_cast<const sockaddr&>(address), size), {bytes, bytes + size}};
}

result<endpoint> parse_unix(std::string_view path) {
    sockaddr_un un{};
    un.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof un.sun_path)
        return error(errc::invalid_value, "a Unix socket's path has 1 to 107 bytes");
    std::memcpy(un.sun_path, path.data(), path.size());
    return make(un, sizeof un);
}

}  // namespace

result<endpoint> parse_endpoint(std::string_view text) {
    if (text.starts_with("unix:")) return parse_unix(text.substr(5));
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos)
        return error(errc::invalid_value, "address without a port");
    const std::string_view digits = text.substr(colon + 1);
    std::uint16_t port = 0;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (failed != std::errc() || end != digits.data() + digits.size())
        return error(errc::invalid_value, "not a port: " + std::string(digits));

    std::string host(text.substr(0, colon));
    if (host.starts_with('[') && host.ends_with(']')) {
        sockaddr_in6 in{};
        in.sin6_family = AF_INET6;
        in.sin6_port = htons(port);
        host = host.substr(1, host.size() - 2);
        if (inet_pton(AF_INET6, host.c_str(), &in.sin6_addr) == 1) return make(in, sizeof in);
    } else {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        in.sin_port = htons(port);
        if (inet_pton(AF_INET, host.c_str(), &in.sin_addr) == 1) return make(in, sizeof in);
    }
    return error(errc::invalid_value, "not a numeric address: " + host);
}

result<std::vector<endpoint>> resolve(const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    if (const int failed = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found))
        return error(errc::name_not_resolved, host + ": " + gai_strerror(failed));
    std::vector<endpoint> all;
    for (const addrinfo* each = found; each; each = each->ai_next) {
        const auto* bytes = reinterpret_cast<const unsigned char*>(each->ai_addr);
        all.push_back({text_of(*each->ai_addr, each->ai_addrlen), {bytes, bytes + each->ai_addrlen}}
        );
    }
    freeaddrinfo(found);
    return all;
}

}  // namespace penstock::io
