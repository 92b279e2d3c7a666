// The worker's door: addresses, connections and one thread that serves them.
#pragma once

#include "worker/api/front_options.hpp"
#include "worker/api/service.hpp"
#include "worker/api/socket_file.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace penstock::worker {

class front {
 public:
    // Serves when it returns. `running` and `model` must outlive it; but the engine may end after
    // `stop`, and must do so before this is destroyed, since its tokens go to this loop.
    // Errors: invalid_value for an address, io_failed when it cannot be listened on.
    static result<std::unique_ptr<front>> open(
        engine& running, const served_model& model, const front_options& options
    );
    ~front();
    front(const front&) = delete;
    front& operator=(const front&) = delete;

    // Port of the first TCP address, in host order; 0 without one.
    std::uint16_t port() const noexcept { return port_; }
    // As bound: "127.0.0.1:8100", "unix:/run/x.sock".
    const std::vector<std::string>& addresses() const noexcept { return addresses_; }

    // Accepts no more, lets answers end within this time, then ends them with an error. Blocks;
    // afterwards nothing asks the engine any more, and no Unix socket of ours is left. Once.
    void stop(duration drain_timeout);

 private:
    front(engine& running, const served_model& model, const front_options& options);
    result<void> listen(const std::string& address, int backlog);
    void accepted(io::channel client);
    bool empty_within(duration at_most) const;

    const std::uint32_t connections_max_;
    http::body_budget bodies_;
    gate serving_;
    io::loop loop_;
    service service_;
    http::server server_;
    std::vector<io::listener> listeners_;
    std::vector<socket_file> socket_files_;
    std::vector<std::string> addresses_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

}  // namespace penstock::worker
