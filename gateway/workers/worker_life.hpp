// The life of one bundled worker, from its first start to its last end: what the supervisor does
// with it, as time passes and settings change. On the supervisor's thread alone.
#pragma once

#include "gateway/settings/settings.hpp"
#include "gateway/upstreams/domain.hpp"
#include "gateway/workers/line_splitter.hpp"
#include "gateway/workers/worker_places.hpp"
#include "gateway/workers/worker_process.hpp"
#include "policies/health/restart.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace penstock::gateway {

// What the newest settings say of one worker.
struct worker_order {
    std::string replica;               // its id
    std::vector<std::string> command;  // the program and its arguments
    worker_place* place = nullptr;
    domain* admission = nullptr;
    replica_index index;
    settings::worker how;
    duration drain{};  // its requests may take so long to end before it is stopped
};

// The replica of this id should be probed now.
using probe_now = std::function<void(const std::string& replica)>;

class worker_life {
 public:
    worker_life(worker_order order, const probe_now& probe);

    // Other settings of the same replica. With another command the process ends its requests, is
    // stopped and started anew; with the same it goes on.
    void follow(worker_order order, time_point now);
    // It is in the settings no more: it ends its requests, within `drain`, and is stopped.
    void leave(duration drain, time_point now);
    // Stopped without waiting for requests: the gateway ends.
    void end(time_point now);

    // Starts, stops, kills, and sees a death: whatever is due.
    void advance(time_point now);
    // When `advance` has something to do though nothing was heard.
    time_point next_look(time_point now) const;
    // No process and no wish for one.
    bool is_over() const noexcept { return now_ == phase::over; }

    // What to listen to; −1: nothing. When the first is readable, `hear`; when the second is,
    // `advance`.
    int output() const noexcept { return hears_ && process_ ? process_->output() : -1; }
    int death() const noexcept { return process_ ? process_->end() : -1; }
    // Takes some of what it wrote into the log; true: there may be more.
    bool hear();

 private:
    enum class phase { waiting, running, emptying, ending, over };

    void start(time_point now);
    void wait_for_restart(const std::string& how, time_point now);
    void empty(time_point now);
    void stop(time_point now);
    void ended(const std::string& how, time_point now);
    void say(replica_state what, time_point now) const;
    void take(std::string_view line);
    std::uint32_t in_flight(time_point now) const;

    worker_order order_;
    const probe_now& probe_;
    phase now_ = phase::waiting;
    bool wanted_ = true;
    time_point due_{};  // of the phase: start, be ready, be empty, be gone
    bool killed_ = false;
    health::restart_backoff backoff_;
    std::optional<worker_process> process_;
    std::vector<std::string> running_;  // the process's own command
    std::uint64_t run_ = 0;
    bool hears_ = false;
    line_splitter lines_;
    std::string last_line_;
};

}  // namespace penstock::gateway
