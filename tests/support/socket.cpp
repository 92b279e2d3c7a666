// Plain blocking sockets with deadlines for tests.
#include "support/socket.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace penstock::test {
namespace {

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

sockaddr_un local(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        fail("unix path");
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

descriptor open_socket(int family) {
    descriptor opened(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!opened.is_open()) fail("socket");
    return opened;
}

template <class Address>
const sockaddr* generic(const Address& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

template <class Address>
descriptor listen_on(descriptor fd, const Address& address) {
    if (::bind(fd.get(), generic(address), sizeof address) != 0) fail("bind");
    if (::listen(fd.get(), 1024) != 0) fail("listen");
    return fd;
}

}  // namespace

descriptor& descriptor::operator=(descriptor&& other) noexcept {
    if (this != &other) {
        close();
        fd_ = other.release();
    }
    return *this;
}

int descriptor::release() noexcept {
    return std::exchange(fd_, -1);
}

void descriptor::close() noexcept {
    if (fd_ >= 0) ::close(release());
}

void descriptor::reset() noexcept {
    if (fd_ < 0) return;
    const linger at_once{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
}

readiness wait(int fd, bool for_write, int other, milliseconds at_most, bool for_read) {
    const auto until = clock::now() + at_most;
    const short wanted = static_cast<short>((for_read ? POLLIN : 0) | (for_write ? POLLOUT : 0));
    pollfd both[2] = {{fd, wanted, 0}, {other, POLLIN, 0}};
    for (;;) {
        const auto left = std::chrono::ceil<milliseconds>(until - clock::now()).count();
        const int ready = ::poll(both, 2, static_cast<int>(std::clamp<long>(left, 0, 1 << 30)));
        if (ready < 0 && errno == EINTR) continue;
        if (ready < 0) fail("poll");
        readiness result;
        result.readable = (both[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
        result.writable = (both[0].revents & (POLLOUT | POLLHUP | POLLERR)) != 0;
        result.other = both[1].revents != 0;
        return result;
    }
}

descriptor listen_tcp(std::uint16_t port) {
    descriptor fd = open_socket(AF_INET);
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return listen_on(std::move(fd), loopback(port));
}

descriptor listen_unix(const std::string& path) {
    ::unlink(path.c_str());
    return listen_on(open_socket(AF_UNIX), local(path));
}

std::uint16_t port_of(int listener) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    if (::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        fail("getsockname");
    }
    return ntohs(address.sin_port);
}

descriptor connect_tcp(std::uint16_t port, int receive_buffer) {
    descriptor fd = open_socket(AF_INET);
    if (receive_buffer > 0) {
        ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    const sockaddr_in address = loopback(port);
    if (::connect(fd.get(), generic(address), sizeof address) != 0) fail("connect");
    send_at_once(fd.get());
    return fd;
}

void send_at_once(int fd) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

silent_listener::silent_listener() : listener_(listen_tcp(0)) {
    ::listen(listener_.get(), 0);
    constexpr int more_than_fit = 4;
    const sockaddr_in address = loopback(port());
    for (int i = 0; i < more_than_fit; ++i) {
        waiting_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        ::connect(waiting_.back().get(), generic(address), sizeof address);
    }
}

descriptor connect_unix(const std::string& path) {
    descriptor fd = open_socket(AF_UNIX);
    const sockaddr_un address = local(path);
    if (::connect(fd.get(), generic(address), sizeof address) != 0) fail("connect");
    return fd;
}

}  // namespace penstock::test
