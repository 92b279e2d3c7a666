// Active health probes, and the warm-up of replicas that start or come back. All on one loop.
#pragma once

#include "gateway/snapshot.hpp"
#include "penstock/io/loop.hpp"

#include <atomic>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

namespace penstock::gateway {

class prober {
 public:
    // `came_up` hears of each replica that is found up, on the loop's thread.
    prober(io::loop& home, std::function<void(const std::string& replica_id)> came_up)
        : home_(home), came_up_(std::move(came_up)) {}

    // On the loop's thread: probes what is in `now` from here on and leaves the rest alone.
    void follow(std::shared_ptr<const snapshot> now);
    // On the loop's thread: does not wait for the next probe's turn.
    void probe_now(const std::string& replica_id) noexcept;
    // On the loop's thread: ends all probes. `has_stopped` then says so; any thread.
    void stop() noexcept;
    bool has_stopped() const noexcept { return stopping_ && num_watched_ == 0; }

 private:
    // One replica's: what its coroutine waits for.
    struct watcher {
        explicit watcher(io::loop& home) : pause(home) {}
        io::alarm pause;
        io::channel channel;
        const upstream* where = nullptr;  // by the newest settings
    };
    using target = replica_place;

    io::task<void> watch(std::string replica_id, watcher& own);
    void ended(const std::string& replica_id, const std::exception_ptr& what) noexcept;
    bool tell(const target& t, const watcher& own, bool ready, std::uint64_t run);
    void expect(const model_entry& model, const replica_entry& replica, watcher& own);
    io::task<bool> probe(std::shared_ptr<const snapshot> s, target t, io::channel& channel);
    io::task<bool> warm_up(std::shared_ptr<const snapshot> s, target t, io::channel& channel);
    void compare_context(const target& t, std::string_view models_body);

    io::loop& home_;
    std::function<void(const std::string&)> came_up_;
    std::shared_ptr<const snapshot> settings_;
    std::map<std::string, watcher> watched_;  // by the replica's id
    std::atomic<std::size_t> num_watched_{0};
    std::atomic<bool> stopping_{false};
    std::set<std::string> mismatched_;  // said once each
};

}  // namespace penstock::gateway
