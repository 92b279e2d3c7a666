// One client connection: requests on it one after the other.
#pragma once

#include "penstock/http/server.hpp"

namespace penstock::http {

class connection {
 public:
    connection(
        server& owner,
        io::channel client,
        std::shared_ptr<const io::tls_context> tls,
        gate::pass inside
    );
    ~connection();

    io::task<void> run();

    void close_if_idle() noexcept;
    void abort() noexcept { client_.abort(); }
    connection* next() const noexcept { return next_; }

 private:
    // False: nothing more comes.
    io::task<bool> serve_one();
    io::task<stage_result<bool>> read_head(exchange& x);
    io::task<void> linger(exchange& x);
    io::task<bool> drain_body(exchange& x);

    server& owner_;
    io::channel client_;
    std::shared_ptr<const io::tls_context> tls_;
    gate::pass inside_;
    connection* next_ = nullptr;
    connection** link_ = nullptr;
    void set_idle(bool idle) noexcept;
    bool idle_ = false;
};

}  // namespace penstock::http
