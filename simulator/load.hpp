// What is asked of the gateway: a table of what arrives how often and how large it is, and the
// source that draws requests from it. Open loop: an arrival never waits for an earlier answer.
#pragma once

#include "simulator/random.hpp"
#include "simulator/request.hpp"

#include <optional>
#include <string>
#include <vector>

namespace penstock::simulator {

// Tokens: exp(normal(ln median, sigma)), cut to [least, most].
struct length_law {
    double median = 735, sigma = 1;
    std::uint32_t least = 20, most = 12'000;
};

// One kind of request of several; shares are weights.
struct length_mix {
    double share = 1;
    length_law prompt{735, 1, 20, 12'000};
    length_law output{164, 0.8, 1, 8'192};
};

enum class arrival_law : std::uint8_t { poisson, gamma };

struct arrivals {
    arrival_law law = arrival_law::poisson;
    double cv = 2;  // of gamma: coefficient of variation of the gaps; 1 is Poisson
    // On and off: `peak` times the rate for `on`, then so much that the mean holds for `off`.
    // `on` 0: always even. peak × on may not be above on + off.
    double peak = 2.5;
    duration on{}, off{};
};

// From `at` (since the start) on the rate is another.
struct rate_step {
    duration at{};
    double rate = 0;  // requests a second
};

struct class_load {
    double share = 0;
    duration patience{};  // the client gives up without a first token after it; 0: never
};

struct tenant_load {
    std::string name;
    double share = 1;
};

// One replica from `at` to `until` (since the start): at `speed` times its own; 0: lost.
struct fault {
    std::uint32_t replica = 0;  // in the order of the settings
    duration at{}, until = duration::max();
    double speed = 0;
};

struct load_spec {
    std::uint64_t seed = 1;
    duration length = std::chrono::seconds(240);
    duration warm_up = std::chrono::seconds(40);  // arrivals in it are not counted
    double rate = 80;                             // requests a second
    std::uint64_t requests = 0;                   // at most; 0: as many as come
    simulator::arrivals arrivals;
    std::vector<rate_step> steps;  // in order of time
    class_load classes[num_classes] = {{0.7, std::chrono::seconds(10)}, {0.3, {}}};
    std::vector<length_mix> mixes{length_mix{}};
    std::vector<tenant_load> tenants{{"all", 1}};
    std::vector<fault> faults;
    double noise = 0;  // deviation of the estimates of length, as a share of the truth
    std::uint32_t est_output = 256;  // what the gateway expects of an answer; 0: it knows
    std::uint32_t retries = 0;       // a refused client comes again so often, after Retry-After …
    double obeying = 1;              // … if it is one of this share; the others stay away
};

// Requests in order of arrival. Draws are of one stream each for times, kinds and lengths, so that
// a load at another rate asks for the same lengths in the same order.
class load_source {
 public:
    explicit load_source(const load_spec& spec);
    // Nothing after `length`.
    std::optional<request> next();

 private:
    double rate_at(double second) const;        // requests a second
    double changes_after(double second) const;  // when the rate next may
    double draw_gap();
    std::uint32_t draw_length(const length_law& law);

    const load_spec spec_;
    random times_, kinds_, lengths_, errors_, obedience_;
    double now_ = 0;  // seconds since the start
    std::uint64_t made_ = 0;
};

}  // namespace penstock::simulator
