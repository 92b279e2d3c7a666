// What engines say of themselves: their /metrics, asked for by one coroutine for each replica, all
// on one loop. It corrects what a domain counts by itself and gates nothing.
#pragma once

#include "gateway/snapshot.hpp"
#include "penstock/io/loop.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <string>

namespace penstock::gateway {

// A replica is asked from the time that a probe found it up. One that answers with anything but
// figures is not asked again before it comes up anew; one that does not answer is asked at the pace
// of probes.
class telemetry {
 public:
    explicit telemetry(io::loop& home) : home_(home) {}

    // On the loop's thread, as are the others: asks what is in `now` from here on.
    void follow(std::shared_ptr<const snapshot> now);
    void came_up(const std::string& replica_id) noexcept;
    // Ends all. `has_stopped` then says so; any thread.
    void stop() noexcept;
    bool has_stopped() const noexcept { return stopping_ && num_watched_ == 0; }

 private:
    struct watcher {
        explicit watcher(io::loop& home) : pause(home) {}
        io::alarm pause;
        io::channel channel;
        const upstream* where = nullptr;  // by the newest settings
        bool is_asked = false;
    };
    enum class answered { figures, none, nothing };

    io::task<void> watch(std::string replica_id, watcher& own);
    io::task<answered> look(
        std::shared_ptr<const snapshot> s, replica_place from, io::channel& channel
    );

    io::loop& home_;
    std::shared_ptr<const snapshot> settings_;
    std::map<std::string, watcher> watched_;  // by the replica's id
    std::atomic<std::size_t> num_watched_{0};
    std::atomic<bool> stopping_{false};
};

}  // namespace penstock::gateway
