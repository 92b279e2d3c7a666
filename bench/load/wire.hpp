// What both ends of the rig share: the clock, sockets, epoll, and one pass over a message head.
// Raw system calls on purpose: the rig must be at least twice as fast as what it measures.
#pragma once

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <span>
#include <string>
#include <string_view>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

namespace penstock::bench {

constexpr std::int64_t nanoseconds_per_second = 1'000'000'000;
constexpr std::int64_t never = INT64_MAX;

// CLOCK_MONOTONIC is one clock for all processes of a machine: both ends may compare readings.
inline std::int64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * nanoseconds_per_second + now.tv_nsec;
}

[[noreturn]] inline void give_up(const std::string& why) {
    std::fprintf(stderr, "%s: %s\n", why.c_str(), std::strerror(errno));
    std::exit(1);
}

// As many descriptors as the hard limit allows, and timers that fire when they are due.
inline void prepare_process() {
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    prctl(PR_SET_TIMERSLACK, 1);
}

inline sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

// No Nagle, and no congestion control that paces: on loopback BBR costs a tenth.
inline void send_at_once(int fd) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
}

// Edge-triggered, each socket registered once: the owner reads until a short read.
class poller {
 public:
    poller() : fd_(epoll_create1(EPOLL_CLOEXEC)) {
        if (fd_ < 0) give_up("epoll_create1");
    }
    ~poller() { close(fd_); }
    poller(const poller&) = delete;
    poller& operator=(const poller&) = delete;

    void add(int fd, std::uint64_t token) { add(fd, token, EPOLLIN | EPOLLOUT | EPOLLRDHUP); }

    void add_readable(int fd, std::uint64_t token) { add(fd, token, EPOLLIN); }

    std::span<const epoll_event> wait_until(std::int64_t deadline) {
        timespec left{};
        if (deadline != never) {
            const auto nanoseconds = std::max<std::int64_t>(0, deadline - now_ns());
            left = {nanoseconds / nanoseconds_per_second, nanoseconds % nanoseconds_per_second};
        }
        const auto* limit = deadline == never ? nullptr : &left;
        const int count = epoll_pwait2(fd_, ready_, std::size(ready_), limit, nullptr);
        return {ready_, static_cast<std::size_t>(std::max(count, 0))};
    }

 private:
    void add(int fd, std::uint64_t token, std::uint32_t events) {
        epoll_event event{};
        event.events = events | EPOLLET;
        event.data.u64 = token;
        if (epoll_ctl(fd_, EPOLL_CTL_ADD, fd, &event) != 0) give_up("epoll_ctl");
    }

    int fd_;
    epoll_event ready_[256];
};

struct message_head {
    std::size_t size = 0;  // with the empty line; 0: not whole yet
    std::string_view first_line;
    std::int64_t content_length = -1;
    bool chunked = false;
    bool close = false;
};

inline std::string_view value_if_named(std::string_view line, std::string_view name) {
    if (line.size() <= name.size() || line[name.size()] != ':') return {};
    if (strncasecmp(line.data(), name.data(), name.size()) != 0) return {};
    line.remove_prefix(name.size() + 1);
    while (!line.empty() && line.front() == ' ')
        line.remove_prefix(1);
    return line;
}

inline std::int64_t to_number(std::string_view text, int base = 10) {
    std::int64_t number = -1;
    std::from_chars(text.data(), text.data() + text.size(), number, base);
    return number;
}

// Trusts its peers: no check of the syntax beyond what framing needs.
inline message_head scan_head(std::string_view bytes) {
    message_head head;
    for (std::size_t begin = 0;;) {
        const auto end = bytes.find('\n', begin);
        if (end == std::string_view::npos) return {};
        auto line = bytes.substr(begin, end - begin);
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        if (begin == 0) {
            head.first_line = line;
        } else if (line.empty()) {
            head.size = end + 1;
            return head;
        } else if ((line.front() | 0x20) == 'c') {
            if (const auto length = value_if_named(line, "content-length"); !length.empty())
                head.content_length = to_number(length);
            else if (const auto how = value_if_named(line, "connection"); !how.empty())
                head.close = strncasecmp(how.data(), "close", 5) == 0;
        } else if ((line.front() | 0x20) == 't') {
            const auto coding = value_if_named(line, "transfer-encoding");
            if (coding.size() >= 7) head.chunked = strncasecmp(coding.data(), "chunked", 7) == 0;
        }
        begin = end + 1;
    }
}

// Hands each whole request of `bytes` to answer(head, body), which says whether to go on, and
// leaves the begin of one that is not whole. False: it said no, or the request is chunked.
template <class Answer>
bool take_requests(std::string_view& bytes, Answer&& answer) {
    while (!bytes.empty()) {
        const auto head = scan_head(bytes);
        if (head.size == 0) break;
        const auto length =
            static_cast<std::size_t>(std::max<std::int64_t>(0, head.content_length));
        if (head.chunked) return false;
        if (bytes.size() - head.size < length) break;
        if (!answer(head, bytes.substr(head.size, length))) return false;
        bytes.remove_prefix(head.size + length);
    }
    return true;
}

// `--name value` pairs; a name that was not given has its default.
class arguments {
 public:
    arguments(int count, char** values) : values_(values + 1, values + count) {}

    std::string text(std::string_view name, std::string fallback) const {
        for (std::size_t i = 0; i + 1 < values_.size(); i += 2)
            if (values_[i] == name) return values_[i + 1];
        return fallback;
    }

    double number(std::string_view name, double fallback) const {
        const auto given = text(name, "");
        return given.empty() ? fallback : std::strtod(given.c_str(), nullptr);
    }

 private:
    std::span<char*> values_;
};

}  // namespace penstock::bench
