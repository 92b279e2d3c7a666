// A load against a gateway with real bytes: engines behind it, clients before it, one thread and
// one poller for all of them.
#pragma once

#include "bench/overload/client.hpp"
#include "bench/overload/engines.hpp"
#include "simulator/run.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace penstock::bench {

// What is done `at` so long after the load's time zero; in order of time.
struct moment {
    duration at{};
    std::function<void()> what;
};

struct real_result {
    simulator::run_result run;  // as a simulated one, but for `shed_flips` and `events`
    std::map<std::string, std::uint32_t> failures;
    duration latest{};  // that a request was sent after it was due
};

class real_run {
 public:
    real_run(const simulator::engine_model& model, std::uint32_t replicas)
        : engines_(model, replicas, events_), replicas_(replicas) {}

    engine_servers& engines() { return engines_; }
    // A line of standard input; the engines serve meanwhile. Once.
    std::string next_line();
    // The load of `what`, until all has ended or its `drain` is over. Once.
    real_result all(const simulator::setup& what, gateway_place to, std::vector<moment> moments);

 private:
    bool serve_until(time_point until);
    void take_arrivals(simulator::run_result& of, time_point begin) const;

    poller events_;
    engine_servers engines_;
    std::uint32_t replicas_;
    std::optional<open_loop_client> clients_;
};

}  // namespace penstock::bench
