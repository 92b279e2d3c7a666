// What prober, supervisor and metrics tell each other about one bundled worker. Any thread.
#pragma once

#include "penstock/clock.hpp"

#include <atomic>
#include <cstdint>

namespace penstock::gateway {

// Each start of the worker's process is a run with a number of its own, so that a probe's answer
// that comes late is never taken for its successor's. Lives as long as the gateway.
class worker_status {
 public:
    // Of the process that may be probed and get requests; 0: there is none.
    std::uint64_t run() const noexcept { return run_.load(); }
    // The next three by the supervisor alone. Returns the new run's number.
    std::uint64_t begin() noexcept {
        run_.store(++last_run_);
        return last_run_;
    }
    void resume(std::uint64_t run) noexcept { run_.store(run); }
    void end() noexcept { run_.store(0); }

    // A probe of this run was answered. By the prober, of each good probe.
    void ready(std::uint64_t run, time_point now) noexcept {
        if (ready_run_.load() == run) return;
        ready_since_.store(now.time_since_epoch().count());
        ready_run_.store(run);
    }
    bool was_ready(std::uint64_t run) const noexcept {
        return run != 0 && ready_run_.load() == run;
    }
    bool is_up() const noexcept { return was_ready(run()); }
    // Zero when it never was.
    duration ready_for(std::uint64_t run, time_point now) const noexcept {
        return was_ready(run) ? now - time_point(duration(ready_since_.load())) : duration::zero();
    }

    void restarted() noexcept { restarts_.fetch_add(1, std::memory_order_relaxed); }
    std::uint64_t restarts() const noexcept { return restarts_.load(std::memory_order_relaxed); }

 private:
    std::uint64_t last_run_ = 0;
    std::atomic<std::uint64_t> run_{0}, ready_run_{0}, restarts_{0};
    std::atomic<time_point::rep> ready_since_{0};
};

}  // namespace penstock::gateway
