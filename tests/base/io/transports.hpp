// A channel and the raw other end of its connection, over everything that a channel runs on.
#pragma once

#include "penstock/io/channel.hpp"
#include "support/socket.hpp"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <sys/socket.h>

namespace penstock::test {

enum class transport { pair, unix_socket, tcp };

inline std::string name_of(transport kind) {
    switch (kind) {
        case transport::pair:
            return "pair";
        case transport::unix_socket:
            return "unix_socket";
        default:
            return "tcp";
    }
}

// A folder of the test's own, removed with everything in it.
class temporary_folder {
 public:
    temporary_folder() {
        std::string name = "/tmp/penstock-io-XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
        path_ = name;
    }
    ~temporary_folder() { std::filesystem::remove_all(path_); }
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
    std::string path_;
};

// Two ends of one connection, both blocking.
inline std::pair<descriptor, descriptor> connected(transport kind) {
    if (kind == transport::pair) {
        int both[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) != 0)
            throw std::runtime_error("socketpair");
        return {descriptor(both[0]), descriptor(both[1])};
    }
    const temporary_folder folder;
    const bool is_unix = kind == transport::unix_socket;
    descriptor listener = is_unix ? listen_unix(folder / "s") : listen_tcp(0);
    descriptor peer = is_unix ? connect_unix(folder / "s") : connect_tcp(port_of(listener.get()));
    descriptor ours(::accept(listener.get(), nullptr, nullptr));
    return {std::move(ours), std::move(peer)};
}

inline io::channel adopt(io::loop& home, descriptor end) {
    ::fcntl(end.get(), F_SETFL, ::fcntl(end.get(), F_GETFL) | O_NONBLOCK);
    return io::channel::adopt(home, end.release());
}

// Sends all of it; false when the other end is gone.
inline bool send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

// Everything until the other end closes; `reset` says how it did.
inline std::string receive_all(int fd, bool* reset = nullptr) {
    std::string all, part(64 * 1024, '\0');
    for (;;) {
        const auto size = ::recv(fd, part.data(), part.size(), 0);
        if (size <= 0) {
            if (reset) *reset = size < 0;
            return all;
        }
        all.append(part, 0, static_cast<std::size_t>(size));
    }
}

// Bytes that differ at every position, so that lost or moved ones are seen.
inline std::string pattern(std::size_t size, std::uint32_t seed = 1) {
    std::string bytes(size, '\0');
    for (char& each : bytes) {
        seed = seed * 1664525 + 1013904223;
        each = static_cast<char>(seed >> 24);
    }
    return bytes;
}

}  // namespace penstock::test
