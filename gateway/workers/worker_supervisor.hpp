// Starts, watches, restarts and stops all bundled workers, on one thread beside the loops.
#pragma once

#include "gateway/workers/worker_life.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace penstock::gateway {

struct snapshot;

// Every bundled worker of these settings.
std::vector<worker_order> worker_orders(const snapshot& settings);

// The thread runs from the first order until `stop`. It waits for descriptors and for what is due;
// nothing that it does can hold a loop up.
class worker_supervisor {
 public:
    // `probe` is called on the supervisor's thread.
    explicit worker_supervisor(probe_now probe) : probe_(std::move(probe)) {}
    ~worker_supervisor() { stop(); }
    worker_supervisor(const worker_supervisor&) = delete;
    worker_supervisor& operator=(const worker_supervisor&) = delete;

    // By the thread that starts and reloads, before anybody can be sent to those of `orders` that
    // are new: they are starting, whatever was known of their replicas.
    void expect(const std::vector<worker_order>& orders);
    // From now on these are to run and no others, whose requests may take `drain` to end.
    void follow(std::vector<worker_order> orders, duration drain);
    // Ends all, and returns when no process is left. For good.
    void stop();

 private:
    void run();
    bool take_orders(time_point now);
    void wait(time_point until);
    void wake() noexcept;

    const probe_now probe_;
    std::set<std::string> expected_;  // ids of the newest orders
    std::mutex mutex_;                // over the next three
    std::optional<std::vector<worker_order>> orders_;
    duration drain_{};
    bool stopping_ = false;
    owned_fd wake_;
    std::map<std::string, worker_life> lives_;  // by the replica's id
    std::thread thread_;
};

}  // namespace penstock::gateway
