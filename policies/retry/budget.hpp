// Retry budget of one model: retries stay a small share of the requests, so that an outage is not
// multiplied by them.
#pragma once

#include "penstock/clock.hpp"

namespace penstock::retry {

struct budget_settings {
    double ratio = 0.1;  // retries earned by each request
    double cap = 10;     // earned retries kept at most
    double floor = 3;    // retries allowed in `per` whatever was earned
    duration per = std::chrono::seconds(10);
};

// Two buckets: what requests have earned, and a floor refilled by time, which is used when nothing
// is earned, so that a quiet model may still retry.
class budget {
 public:
    explicit budget(const budget_settings& settings)
        : settings_(settings), floor_(settings.floor) {}

    void request_came() noexcept;
    // Takes one retry, or returns false and takes nothing.
    bool take(time_point now) noexcept;
    // What is left is kept, up to the new caps.
    void settings_changed(const budget_settings& settings) noexcept;

 private:
    void refill(time_point now) noexcept;

    budget_settings settings_;
    double earned_ = 0;
    double floor_;
    time_point refilled_{};
    bool started_ = false;
};

}  // namespace penstock::retry
