// Strict parsing of the few forms an address may have.
#include "gateway/settings/address.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>

namespace penstock::settings {

namespace {

constexpr std::size_t socket_path_max = 107;  // sun_path without its NUL
constexpr std::size_t host_name_max = 253;

bool is_ipv4(const std::string& host) {
    std::array<unsigned char, 4> bytes{};
    return inet_pton(AF_INET, host.c_str(), bytes.data()) == 1;
}

bool is_ipv6(const std::string& host) {
    std::array<unsigned char, 16> bytes{};
    return inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

bool is_host_name(std::string_view host) {
    if (host.empty() || host.size() > host_name_max || host.front() == '.' || host.front() == '-')
        return false;
    // All digits and dots would be an address that inet_pton refused.
    const bool numeric = host.find_first_not_of("0123456789.") == std::string_view::npos;
    return !numeric && host.find("..") == std::string_view::npos &&
           std::all_of(host.begin(), host.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '-' || c == '_';
           });
}

parsed_address parse_socket(std::string_view path) {
    if (path.empty()) return std::string("must name the socket: unix:PATH");
    if (path.size() > socket_path_max)
        return "must have a socket path of at most " + std::to_string(socket_path_max) + " bytes";
    if (path.find('\0') != std::string_view::npos) return std::string("must not contain a NUL");
    address made;
    made.path = path;
    return made;
}

// host[:port]; `port` stays as it is when none is written.
parsed_address parse_authority(std::string_view text, address made, bool port_needed) {
    std::string_view port;
    bool has_port = false;
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        made.host = end == std::string_view::npos ? "" : text.substr(1, end - 1);
        if (!is_ipv6(made.host)) return std::string("must have an IPv6 address between [ and ]");
        text.remove_prefix(end + 1);
        has_port = text.starts_with(':');
        if (!has_port && !text.empty()) return std::string("must be [address]:port");
        if (has_port) port = text.substr(1);
    } else {
        const std::size_t colon = text.rfind(':');
        has_port = colon != std::string_view::npos;
        if (has_port) port = text.substr(colon + 1);
        made.host = text.substr(0, colon);
        if (made.host.find(':') != std::string::npos)
            return std::string("must have an IPv6 address in brackets, as in [::1]:4000");
        if (!is_ipv4(made.host) && !is_host_name(made.host))
            return std::string("must have a host: an IP address or a name");
    }
    if (!has_port)
        return port_needed ? parsed_address(std::string("must have a port, as in 127.0.0.1:4000"))
                           : parsed_address(made);
    const auto [end, code] = std::from_chars(port.data(), port.data() + port.size(), made.port);
    if (port.empty() || code != std::errc{} || end != port.data() + port.size())
        return std::string("must have a port between 0 and 65535");
    return made;
}

}  // namespace

parsed_address parse_listen(std::string_view text) {
    if (text.starts_with("unix:")) return parse_socket(text.substr(5));
    if (text.find("://") != std::string_view::npos)
        return std::string("must be host:port or unix:PATH, not a URL");
    TRY(address made, parse_authority(text, {}, true));
    if (made.host == "localhost") made.host = "127.0.0.1";
    if (!is_ipv4(made.host) && !is_ipv6(made.host))
        return std::string("must have an IP address or localhost: names are not looked up here");
    return made;
}

parsed_address parse_upstream(std::string_view text) {
    if (text.starts_with("unix:")) return parse_socket(text.substr(5));
    address made;
    if (text.starts_with("http://")) {
        made.port = 80;
        text.remove_prefix(7);
    } else if (text.starts_with("https://")) {
        made.port = 443;
        made.tls = true;
        text.remove_prefix(8);
    } else {
        return std::string("must begin with http://, https:// or unix:");
    }
    const std::size_t end = text.find_first_of("/?#");
    const std::string_view authority = text.substr(0, end);
    if (authority.find('@') != std::string_view::npos)
        return std::string("must not contain a user or password; use `api_key`");
    if (end != std::string_view::npos && text.substr(end) != "/")
        return std::string(
            "must end after host and port: the path that the client asked for is sent on"
        );
    TRY(made, parse_authority(authority, made, false));
    if (made.port == 0) return std::string("must have a port between 1 and 65535");
    return made;
}

bool is_local(const address& at) {
    return at.host.empty() || at.host == "::1" || (is_ipv4(at.host) && at.host.starts_with("127."));
}

std::string first_not_local(const std::vector<std::string>& listeners) {
    for (const std::string& each : listeners) {
        const auto parsed = parse_listen(each);
        if (parsed.has_error() || !is_local(parsed.value())) return each;
    }
    return {};
}

std::string to_text(const address& at) {
    if (at.host.empty()) return "unix:" + at.path;
    const bool v6 = at.host.find(':') != std::string::npos;
    return (v6 ? '[' + at.host + ']' : at.host) + ':' + std::to_string(at.port);
}

}  // namespace penstock::settings
