// SSE comments that keep a client's proxies patient while the first event is awaited (DESIGN §9.2).
#pragma once

#include "penstock/http/server.hpp"
#include "penstock/io/loop.hpp"

namespace penstock::gateway {

struct request_context;

// Runs from dispatch to the first event. The first comment commits the 200.
class keepalive_comments final : public io::timed {
 public:
    explicit keepalive_comments(request_context& owner) noexcept : owner_(owner) {}
    ~keepalive_comments() override { stop(); }

    // Keeps a running one going: fail-over does not start the wait anew.
    void start(duration every) noexcept;
    void stop() noexcept;

 private:
    void on_time() noexcept override;

    request_context& owner_;
    duration every_{};
    bool running_ = false;
};

}  // namespace penstock::gateway
