// An upstream that misbehaves as it is told. A thread for each connection.
#pragma once

#include "support/socket.hpp"

#include <atomic>
#include <string>
#include <thread>

namespace penstock::leak {

class upstream {
 public:
    upstream();
    ~upstream();
    std::uint16_t port() const noexcept { return port_; }
    // Requests that are kept without an answer now.
    static int num_silent() noexcept { return silent_.load(); }

 private:
    void accept_all();
    static void serve(test::descriptor connection);
    // False: the connection has ended.
    static bool answer(test::descriptor& connection, char way);

    static inline std::atomic<int> silent_{0}, open_{0};
    test::descriptor listener_;
    std::uint16_t port_;
    std::thread acceptor_;
};

}  // namespace penstock::leak
