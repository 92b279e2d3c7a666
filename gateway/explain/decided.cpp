// What admission would say of a request now.
#include "gateway/explain/decided.hpp"

#include "gateway/request_state.hpp"
#include "gateway/stages/shed.hpp"
#include "penstock/observe/log.hpp"

#include <charconv>

namespace penstock::gateway {
namespace {

std::string pools_of(const request_state& c) {
    std::string names;
    for (const pool_index each : c.work.pools)
        for (const auto& pool : c.version->pools) {
            if (pool.index != each) continue;
            if (!names.empty()) names += ' ';
            names += pool.id;
        }
    return names;
}

// "chat/v1/short/a=12.5 chat/v1/short/b=80.123": what is predicted of each.
std::string ttfts_of(const decided& d) {
    std::string text;
    for (const auto& each : d.candidates) {
        if (!text.empty()) text += ' ';
        char digits[32];
        const auto end = std::to_chars(digits, digits + sizeof digits, each.predicted_ttft_ms).ptr;
        text.append(each.replica).append("=").append(digits, end);
    }
    return text;
}

}  // namespace

double in_milliseconds(duration d) noexcept {
    const auto whole = std::chrono::duration_cast<std::chrono::microseconds>(d).count();
    return static_cast<double>(whole) / 1000;
}

decided decided_of(const request_state& c, const prediction& said) {
    decided d;
    d.verdict = said.would_admit ? "admitted" : said.would_queue ? "queued" : "refused";
    d.pools = pools_of(c);
    d.wait_ms = in_milliseconds(said.wait);
    d.queued = said.queued;
    d.left = said.left[static_cast<std::size_t>(c.work.klass)];
    for (const auto& each : said.candidates) {
        const replica_place place = find_replica(*c.model, each.replica);
        if (!place) continue;  // a reload has taken it out of the settings meanwhile
        d.candidates.push_back(
            {place.replica->id, place.pool->id, each, in_milliseconds(each.predicted_ttft)}
        );
        if (!said.would_admit || each.replica != said.replica) continue;
        d.replica = place.replica->id;
        d.predicted_ttft_ms = d.candidates.back().predicted_ttft_ms;
    }
    if (!said.would_admit && !said.would_queue) {
        d.no =
            as_refusal({.reason = said.reason, .wait = said.wait, .retry_after = said.retry_after});
    }
    return d;
}

void log_decided(const request_state& c, const prediction& said) {
    const decided d = decided_of(c, said);
    observe::log::debug(
        "decided",
        {{"request_id", c.request_id},
         {"key", c.record.key},
         {"tenant", c.record.tenant},
         {"class", c.record.klass == request_class::bulk ? "bulk" : "realtime"},
         {"model", c.model->name},
         {"prompt_tokens", c.work.prompt_tokens},
         {"prompt_error", c.work.prompt_error},
         {"output_tokens", c.work.output_expected},
         {"max_tokens", c.cap.limit},
         {"version", c.version->id},
         {"pool", c.steered_to->id},
         {"pools", d.pools},
         {"verdict", d.verdict},
         {"reason", d.no ? describe(d.no->code).label : ""},
         {"replica", d.replica},
         {"predicted_ttft_ms", d.predicted_ttft_ms},
         {"wait_ms", d.wait_ms},
         {"retry_after_ms", d.retry_after_ms()},
         {"queued", d.queued},
         {"pending_left", d.left.pending},
         {"concurrency_left", d.left.concurrency},
         {"candidates", d.candidates.size()},
         {"candidate_ttft_ms", ttfts_of(d)}}
    );
}

}  // namespace penstock::gateway
