// One loop of the gateway: its connections, its listeners, its part of the shared state.
#pragma once

#include "gateway/listener_tls.hpp"
#include "gateway/thread_state.hpp"
#include "penstock/http/server.hpp"

#include <memory>
#include <vector>

namespace penstock::gateway {

class worker_thread final : public http::handler {
 public:
    worker_thread(
        shared_parts& process,
        io::loop& loop,
        std::shared_ptr<const snapshot> settings,
        std::uint64_t seed
    );
    ~worker_thread() override;

    // On the loop's thread, or before it runs.
    void follow(std::shared_ptr<const snapshot> next);
    // `index`: of `listen` at the start; nothing: the admin listener.
    void accept_on(io::listener listener, std::optional<std::size_t> index);
    void stop_listening() noexcept;
    // Requests that still run end with an error event where they can.
    void cut_requests() noexcept;
    void abort_connections() noexcept;

    // Of clients. Any thread.
    std::size_t num_open() const noexcept { return server_.num_open() + admin_server_.num_open(); }
    std::size_t num_idle() const noexcept { return server_.num_idle() + admin_server_.num_idle(); }

    io::task<void> handle(http::exchange& x) override;
    io::task<void> refuse(http::exchange& x, refusal why) override;
    void escaped(const std::exception_ptr& what) noexcept override;

 private:
    void accepted(io::channel client, std::optional<std::size_t> index);

    shared_parts& process_;
    thread_state state_;
    http::server server_, admin_server_;
    listener_tls listen_tls_;
    std::vector<io::listener> listeners_;
};

}  // namespace penstock::gateway
