// A gateway that stands still: its parts and no loop that runs, for what only decides.
#pragma once

#include "gateway/explain/explanation.hpp"
#include "gateway/fold.hpp"
#include "gateway/running_gateway.hpp"
#include "policies/catalogue.hpp"

#include <memory>
#include <string>

namespace penstock::gateway {

// What the loops of a gateway share, without a loop that runs.
class still_parts {
 public:
    explicit still_parts(
        const std::string& yaml,
        std::unique_ptr<limiting_policy> limiting = policies::make_limiting("unlimited")
    )
        : yaml_(yaml), limits_(std::move(limiting)) {}

    // Ahead of the real clock, by which the domains' own timers go: none of them comes.
    const time_point begin = io::loop::exact_now() + 1h;

    stage_result<std::string> explain_at(std::string_view json, time_point now) {
        return explain(process, settings, json, "the-id", now);
    }

 private:
    const std::string yaml_;
    loops loops_ = [] {
        loops all;
        all.push_back(std::make_unique<io::loop>());
        return all;
    }();
    limiter limits_;
    learned_shards learned_{100};
    worker_places places_;
    registry live_{loops_, [this] {
                       return policies::make_admission("little", domain_spec{}, begin);
                   }};
    observe::metrics metrics_{1};
    http::body_budget bodies_{1'000'000};
    gate serving_;
    side_thread side_;

 public:
    shared_parts process{
        .limits = limits_,
        .learned = learned_,
        .metrics = metrics_,
        .log = nullptr,
        .bodies = bodies_,
        .serving = serving_,
        .connections_max = 1,
        .side = side_,
        .expose_metrics = {},
        .probe_now = {},
        .log_salt = 1
    };
    const std::shared_ptr<const snapshot> settings =
        fold(settings_for_test(yaml_, ""), 1, live_, places_, begin).value();
    io::loop& home = *loops_.front();
};

}  // namespace penstock::gateway
