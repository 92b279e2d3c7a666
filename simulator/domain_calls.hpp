// A policy behind the calls that the gateway's domain makes to it, in virtual time: every event is
// followed by `advance` until there are no more verdicts, and a timer sees to what time decides.
#pragma once

#include "penstock/contracts/admission.hpp"

#include <algorithm>
#include <memory>

namespace penstock::simulator {

class domain_calls {
 public:
    // Wake-ups come at multiples of `grain`, as from the gateway's time wheel.
    domain_calls(std::unique_ptr<admission_policy> policy, duration grain)
        : policy_(std::move(policy)), grain_(std::max(grain, duration(1))) {}

    admission_policy& policy() noexcept { return *policy_; }

    // Hands each verdict to deliver(verdict).
    template <class Deliver>
    void advance(time_point now, Deliver&& deliver) {
        for (bool more = true; more;) {
            verdict_batch batch;
            more = policy_->advance(now, batch);
            const time_point due = policy_->next_wakeup();
            for (const verdict& each : batch)
                deliver(each);
            if (!more && due < wakeup_) wakeup_ = rounded_up(std::max(due, now));
        }
    }

    time_point wakeup() const noexcept { return wakeup_; }
    void woken() noexcept { wakeup_ = never; }

 private:
    time_point rounded_up(time_point t) const noexcept {
        const std::int64_t ticks = t.time_since_epoch() / grain_ + 1;
        return time_point(ticks * grain_);
    }

    std::unique_ptr<admission_policy> policy_;
    duration grain_;
    time_point wakeup_ = never;
};

}  // namespace penstock::simulator
