// Settings of classes and health as admission takes them.
#include "gateway/settings/domain.hpp"

namespace penstock::settings {
namespace {

class_settings class_of(const class_limits& of) {
    return {
        .pending = of.pending,
        .timeout = of.timeout,
        .concurrency = of.concurrency,
        .ttft = of.ttft,
        .tpot = of.tpot,
        .floor = of.floor,
        .discipline = of.discipline == discipline::drop_oldest ? queue_discipline::drop_oldest
                                                               : queue_discipline::deadline
    };
}

}  // namespace

domain_spec domain_without_pools(const std::string& id, const root& settings) {
    domain_spec spec;
    spec.id = id;
    spec.classes[0] = class_of(settings.classes.realtime);
    spec.classes[1] = class_of(settings.classes.bulk);
    spec.breaker = {
        .failures = settings.health.breaker.failures, .open_for = settings.health.breaker.open_for
    };
    spec.outlier = {
        .failure_rate = settings.health.outlier.failure_rate,
        .min_requests = settings.health.outlier.min_requests,
        .window = settings.health.outlier.window,
        .eject_for = settings.health.outlier.eject_for
    };
    spec.slow_start = settings.health.slow_start;
    return spec;
}

}  // namespace penstock::settings
