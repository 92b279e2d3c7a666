// One socket of either end: sends now what the kernel takes, keeps the rest until it takes more.
#pragma once

#include "bench/load/wire.hpp"
#include "penstock/clock.hpp"

namespace penstock::bench {

// Reads the clock of all processes of the machine, as the engines' model counts time.
inline time_point now() {
    return time_point(duration(now_ns()));
}

class peer {
 public:
    explicit peer(int fd) : fd_(fd) {}
    ~peer() { close(fd_); }
    peer(const peer&) = delete;
    peer& operator=(const peer&) = delete;

    int fd() const { return fd_; }
    bool has_unsent() const { return !unsent_.empty(); }

    // False: the connection is broken.
    bool send(std::string_view bytes) {
        unsent_ += bytes;
        return unsent_.size() > bytes.size() || flush();
    }
    bool flush() {
        if (unsent_.empty()) return true;
        const auto sent = ::send(fd_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
        if (sent > 0) unsent_.erase(0, static_cast<std::size_t>(sent));
        return sent >= 0 || errno == EAGAIN;
    }

    // Hands all that has come to take(bytes), which says whether to go on. False: it said no, or
    // the other side has closed.
    template <class Take>
    bool read_all(Take&& take) {
        static char scratch[64 * 1024];
        for (;;) {
            const auto size = recv(fd_, scratch, sizeof scratch, 0);
            if (size < 0 && errno == EAGAIN) return true;
            if (size <= 0 || !take(std::string_view(scratch, static_cast<std::size_t>(size))))
                return false;
        }
    }

 private:
    int fd_;
    std::string unsent_;
};

}  // namespace penstock::bench
