// The tables of ranges, traits and planned settings; a new setting of number type needs a row here.
#include "gateway/settings/rules.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace penstock::settings {

namespace {

using namespace std::string_view_literals;

constexpr double kib = 1024;
constexpr double mib = kib * kib;
constexpr double gib = mib * kib;
constexpr double tib = gib * kib;
constexpr double ms = 1e6;
constexpr double s = 1e9;
constexpr double hour = 3600 * s;
constexpr double day = 24 * hour;

constexpr std::array ranges{
    range{"keys[].max_tokens", unit::tokens, 0, 16 * mib},
    range{"classes.realtime.ttft", unit::time, 1 * ms, 1 * day},
    range{"classes.realtime.tpot", unit::time, 0, 1 * hour},
    range{"classes.realtime.concurrency", unit::count, 1, 1'000'000},
    range{"classes.realtime.pending", unit::count, 0, 1'000'000},
    range{"classes.realtime.timeout", unit::time, 1 * ms, 1 * day},
    range{"classes.realtime.floor", unit::share, 0, 1},
    range{"classes.bulk.ttft", unit::time, 1 * ms, 1 * day},
    range{"classes.bulk.tpot", unit::time, 0, 1 * hour},
    range{"classes.bulk.concurrency", unit::count, 1, 1'000'000},
    range{"classes.bulk.pending", unit::count, 0, 1'000'000},
    range{"classes.bulk.timeout", unit::time, 1 * ms, 1 * day},
    range{"classes.bulk.floor", unit::share, 0, 1},
    range{"models.*.max_tokens", unit::tokens, 0, 16 * mib},
    range{"models.*.warmup.timeout", unit::time, 1 * ms, 1 * hour},
    range{"models.*.context", unit::tokens, 0, 1024 * mib},
    range{"pools.*.context", unit::tokens, 0, 1024 * mib},
    range{"pools.*.max_tokens", unit::tokens, 0, 16 * mib},
    range{"replicas[].slots", unit::count, 1, 65'536},
    range{"replicas[].kv_tokens", unit::tokens, 0, 1024 * mib},
    range{"replicas[].worker.threads", unit::count, 0, 4096},
    range{"replicas[].worker.text_threads", unit::count, 1, 1024},
    range{"replicas[].worker.max_batch", unit::count, 1, 65'536},
    range{"replicas[].worker.max_step_tokens", unit::tokens, 64, 1 * mib},
    range{"replicas[].worker.max_positions", unit::tokens, 0, 1024 * mib},
    range{"replicas[].worker.max_waiting", unit::count, 1, 1'000'000},
    range{"replicas[].worker.max_choices", unit::count, 1, 65'536},
    range{"replicas[].worker.kv_memory", unit::bytes, 1 * mib, 16 * tib},
    range{"replicas[].worker.bulk_reserve", unit::share, 0, 0.99},
    range{"replicas[].worker.max_bulk_age", unit::time, 0, 1 * day},
    range{"timeouts.connect", unit::time, 1 * ms, 1 * hour},
    range{"timeouts.first_byte", unit::time, 1 * ms, 1 * day},
    range{"timeouts.between_bytes", unit::time, 1 * ms, 1 * day},
    range{"timeouts.total", unit::time, 1 * ms, 7 * day},
    range{"timeouts.drain", unit::time, 0, 1 * day},
    range{"timeouts.head", unit::time, 1 * ms, 1 * hour},
    range{"timeouts.body", unit::time, 1 * ms, 1 * day},
    range{"timeouts.idle", unit::time, 1 * ms, 1 * day},
    range{"timeouts.upstream_idle", unit::time, 1 * ms, 1 * day},
    range{"timeouts.client_stall", unit::time, 1 * ms, 1 * day},
    range{"timeouts.keepalive_after", unit::time, 0, 1 * hour},
    range{"limits.head", unit::bytes, 1 * kib, 1 * mib},
    range{"limits.target", unit::bytes, 256, 256 * kib},
    range{"limits.headers", unit::count, 8, 10'000},
    range{"limits.body", unit::bytes, 1 * kib, 16 * gib},
    range{"limits.bodies", unit::bytes, 1 * kib, 16 * tib},
    range{"limits.connections", unit::count, 1, 10'000'000},
    range{"limits.json_depth", unit::count, 4, 1024},
    range{"limits.event", unit::bytes, 1 * kib, 256 * mib},
    range{"limits.upstream_idle", unit::count, 0, 65'536},
    range{"limits.learned", unit::count, 16, 10'000'000},
    range{"retry.budget", unit::share, 0, 1},
    range{"retry.attempts", unit::count, 1, 8},
    range{"health.every", unit::time, 10 * ms, 1 * hour},
    range{"health.timeout", unit::time, 1 * ms, 1 * hour},
    range{"health.slow_start", unit::time, 0, 1 * hour},
    range{"health.breaker.failures", unit::count, 1, 1'000'000},
    range{"health.breaker.open_for", unit::time, 1 * ms, 1 * hour},
    range{"health.outlier.failure_rate", unit::share, 0, 1},
    range{"health.outlier.min_requests", unit::count, 1, 1'000'000},
    range{"health.outlier.window", unit::time, 100 * ms, 1 * hour},
    range{"health.outlier.eject_for", unit::time, 1 * ms, 1 * hour},
    range{"health.scrape.every", unit::time, 0, 1 * hour},
    range{"health.scrape.timeout", unit::time, 1 * ms, 1 * hour},
    range{"worker.restart.first", unit::time, 1 * ms, 1 * hour},
    range{"worker.restart.most", unit::time, 1 * ms, 1 * day},
    range{"worker.restart.reset_after", unit::time, 0, 1 * day},
    range{"worker.start", unit::time, 10 * ms, 1 * day},
    range{"worker.stop", unit::time, 0, 1 * hour},
    range{"worker.log_line", unit::bytes, 64, 1 * mib},
    range{"threads", unit::count, 0, 1024},
};

constexpr std::array traits{
    trait{.key = "listen[].tls.certificate", .required = true, .file = true},
    trait{.key = "listen[].tls.key", .required = true, .secret = true},
    trait{.key = "listen[].tls.client_ca", .file = true},
    trait{.key = "admin.master_key", .secret = true},
    trait{.key = "keys[].name", .required = true},
    trait{.key = "keys[].sha256", .required = true},
    trait{.key = "models", .required = true},
    trait{.key = "replicas[].worker.model", .required = true, .file = true},
    trait{.key = "replicas[].api_key", .secret = true},
    trait{.key = "replicas[].tls.ca", .file = true},
    trait{.key = "replicas[].tls.certificate", .file = true},
    trait{.key = "replicas[].tls.key", .secret = true},
    trait{.key = "worker.program", .file = true},
};

constexpr std::array planned{
    "store"sv,
    "shared"sv,
    "keys[].rpm"sv,
    "keys[].tpm"sv,
    "keys[].parallel"sv,
    "keys[].budget"sv,
    "models.*.assign_by"sv,
    "models.*.price"sv,
    "models.*.restamp_model"sv,
    "models.*.weight"sv,
    "models.*.classes"sv,
    "models.*.tenants"sv,
    "models.*.worker"sv,
    "models.*.kubernetes"sv,
    "models.*.versions.*.weight"sv,
    "models.*.versions.*.price"sv,
    "replicas[].kubernetes"sv,
    "log.format"sv,
    "expose_headers=admins"sv,
};

}  // namespace

std::string_view setting_key(std::string_view pattern) {
    for (const std::string_view shared : {"replicas[]", "pools.*"})
        if (const std::size_t at = pattern.rfind(shared); at != std::string_view::npos)
            return pattern.substr(at);
    return pattern;
}

const range& range_of(std::string_view key) {
    const auto found =
        std::find_if(ranges.begin(), ranges.end(), [key](const range& r) { return r.key == key; });
    assert(found != ranges.end() && "every number has a row");
    return *found;
}

std::string format_number(double number, unit in) {
    switch (in) {
        case unit::share:
            return format_share(number);
        case unit::time:
            return format_duration(duration(static_cast<duration::rep>(number)));
        default:
            return format_amount(static_cast<std::uint64_t>(number), in);
    }
}

std::string format_range(const range& of) {
    return "between " + format_number(of.least, of.in) + " and " + format_number(of.most, of.in);
}

trait trait_of(std::string_view key) {
    const auto found =
        std::find_if(traits.begin(), traits.end(), [key](const trait& t) { return t.key == key; });
    return found == traits.end() ? trait{.key = key} : *found;
}

bool is_planned(std::string_view key) {
    return std::find(planned.begin(), planned.end(), key) != planned.end();
}

bool is_short_form(std::string_view key) {
    return key == "models.*.context" || key == "models.*.replicas" || key == "models.*.pools";
}

}  // namespace penstock::settings
