// Plain blocking sockets with deadlines for tests: independent of the code under test on purpose.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::test {

using clock = std::chrono::steady_clock;
using time_point = clock::time_point;
using std::chrono::milliseconds;

// Longer than any test; as a delay it means never.
inline constexpr milliseconds forever = std::chrono::hours(24);
// How long a test waits for what must happen before it fails.
inline constexpr milliseconds patience{10'000};

// A file descriptor, closed with its owner.
class descriptor {
 public:
    descriptor() = default;
    explicit descriptor(int fd) noexcept : fd_(fd) {}
    descriptor(descriptor&& other) noexcept : fd_(other.release()) {}
    descriptor& operator=(descriptor&& other) noexcept;
    ~descriptor() { close(); }

    int get() const noexcept { return fd_; }
    bool is_open() const noexcept { return fd_ >= 0; }
    int release() noexcept;
    void close() noexcept;
    // Closes so that the peer gets a RST instead of a FIN.
    void reset() noexcept;

 private:
    int fd_ = -1;
};

struct readiness {
    bool readable = false;  // bytes, an end or an error can be read
    bool writable = false;
    bool other = false;  // the second descriptor is readable
};

// Waits until `fd` can be read (and, if asked, written), `other` can be read, or time is up. A
// negative `other` is left out.
readiness wait(int fd, bool for_write, int other, milliseconds at_most, bool for_read = true);

// All throw std::system_error. Port 0 lets the system choose; `port_of` tells what it chose.
descriptor listen_tcp(std::uint16_t port);
descriptor listen_unix(const std::string& path);
std::uint16_t port_of(int listener);
descriptor connect_tcp(std::uint16_t port, int receive_buffer = 0);
// No waiting for acknowledgements between small writes (TCP_NODELAY).
void send_at_once(int fd);
descriptor connect_unix(const std::string& path);

// A port whose accept queue is full: the kernel lets no more connections through and refuses none.
class silent_listener {
 public:
    silent_listener();
    std::uint16_t port() const { return port_of(listener_.get()); }

 private:
    descriptor listener_;
    std::vector<descriptor> waiting_;
};

}  // namespace penstock::test
