// One replica as a place to connect to: its addresses, its TLS, and on each loop the connections
// that wait for the next request. Lives until all loops have stopped.
#pragma once

#include "gateway/settings/address.hpp"
#include "penstock/http/client.hpp"
#include "penstock/io/channel.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace penstock::gateway {

class upstream {
 public:
    upstream(
        settings::address where,
        std::shared_ptr<const io::tls_context> tls,
        const std::vector<std::unique_ptr<io::loop>>& loops,
        std::size_t idle_max,
        duration idle_for
    );

    // An idle connection of this loop; a closed channel when there is none.
    io::channel take_idle(io::loop& home) noexcept;
    // A new connection, into `made`; every address is tried until `deadline`. `made.close()` ends
    // the wait with `canceled`.
    io::task<result<void>> connect(io::channel& made, io::loop& home, time_point deadline);
    void give_back(io::loop& home, io::channel connection);
    void configure(std::size_t idle_max, duration idle_for);
    std::size_t num_idle() const noexcept;

    // Resolves the name again and keeps the last good answer on failure. Blocks: not on a loop.
    result<void> resolve();
    bool needs_resolving() const noexcept { return !is_literal_; }

    const settings::address& where() const noexcept { return where_; }
    // "host:port" as the Host header says it.
    const std::string& host_header() const noexcept { return host_header_; }

    // Smoothed by the kernel, of the newest connection that was measured. Any thread.
    void measure(const io::channel& connection) noexcept;
    duration round_trip_time() const noexcept {
        return duration(rtt_.load(std::memory_order_relaxed));
    }

    // A first token came after its target. For a while the requests that go there say so
    // (`X-SLO-HINT`). Any thread.
    static constexpr duration late_for = std::chrono::seconds(10);
    void was_late(time_point now) noexcept {
        late_until_.store(after(now, late_for), std::memory_order_relaxed);
    }
    bool is_late(time_point now) const noexcept {
        return now < late_until_.load(std::memory_order_relaxed);
    }

 private:
    std::vector<io::endpoint> endpoints() const;
    io::task<result<void>> connect_to(
        io::channel& made, io::loop& home, const io::endpoint& where, time_point deadline
    );

    const settings::address where_;
    const std::shared_ptr<const io::tls_context> tls_;
    std::string host_header_;
    bool is_literal_ = false;
    mutable std::mutex mutex_;
    std::vector<io::endpoint> endpoints_;
    std::vector<std::unique_ptr<http::idle_connections>> idle_;  // by loop
    std::atomic<std::int64_t> rtt_{0};
    std::atomic<time_point> late_until_{time_point{}};
};

}  // namespace penstock::gateway
