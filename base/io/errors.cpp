// What the system says, in our words.
#include "base/io/errors.hpp"

#include <boost/asio/error.hpp>

#include <arpa/inet.h>
#include <cstddef>
#include <netinet/in.h>
#include <sys/un.h>

namespace penstock::io {

errc code_of(boost::system::error_code failed) noexcept {
    namespace e = boost::asio::error;
    if (failed == e::eof) return errc::end_of_stream;
    if (failed == e::operation_aborted || failed == e::bad_descriptor) return errc::canceled;
    if (failed == e::connection_refused || failed == e::host_unreachable ||
        failed == e::network_unreachable ||
        failed == boost::system::errc::no_such_file_or_directory)
        return errc::connection_refused;
    if (failed == e::timed_out) return errc::timed_out;
    if (failed == e::connection_reset || failed == e::broken_pipe ||
        failed == e::connection_aborted || failed == e::not_connected)
        return errc::connection_reset;
    return errc::io_failed;
}

std::string text_of(const sockaddr& address, socklen_t size) {
    char text[INET6_ADDRSTRLEN] = "";
    if (address.sa_family == AF_INET) {
        const auto& in = reinterpret_cast<const sockaddr_in&>(address);
        inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
        return std::string(text) + ":" + std::to_string(ntohs(in.sin_port));
    }
    if (address.sa_family == AF_INET6) {
        const auto& in = reinterpret_cast<const sockaddr_in6&>(address);
        inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof text);
        return "[" + std::string(text) + "]:" + std::to_string(ntohs(in.sin6_port));
    }
    if (address.sa_family == AF_UNIX && size > offsetof(sockaddr_un, sun_path)) {
        const auto& un = reinterpret_cast<const sockaddr_un&>(address);
        return "unix:" + std::string(un.sun_path);
    }
    return "unix:";
}

}  // namespace penstock::io
