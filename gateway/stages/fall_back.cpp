// From one model to the next.
#include "gateway/stages/fall_back.hpp"

#include "gateway/request_context.hpp"
#include "gateway/stages/stages.hpp"
#include "policies/retry/fall_back.hpp"

#include <algorithm>

namespace penstock::gateway {
namespace {

// Null: none is left. `passed`: how many of the named model's list are behind it.
const model_entry* next_fallback(const request_state& c, std::size_t& passed) {
    const auto& list = c.asked_model->fallbacks;
    while (passed < list.size()) {
        const model_entry& each = c.settings->models[list[passed++].value];
        if (may_use(c, each)) return &each;
    }
    return nullptr;
}

// "chat: queue_full; small: upstream_unreachable (…)", for the log.
void note(request_state& c, const refusal& why) {
    if (!c.left.empty()) c.left += "; ";
    c.left.append(c.model->name).append(": ").append(describe(why.code).label);
    if (!why.detail.empty()) c.left.append(" (").append(why.detail).append(")");
}

void forget_pass(request_state& c) {
    c.version = nullptr;
    c.steered_to = nullptr;
    c.resteered = false;
    c.own_cap = 0;
    c.cap = {};
    c.pool = nullptr;
    c.replica = nullptr;
    auto& r = c.record;
    r.version = r.pool = r.replica = {};
    r.dispatched = {};
    r.predicted_wait = {};
    r.est_output = 0;
    r.max_tokens = 0;
}

}  // namespace

bool may_use(const request_state& c, const model_entry& model) {
    return c.key->rights.models.contains(model.index.value) &&
           std::binary_search(model.serves.begin(), model.serves.end(), c.route_index);
}

bool has_fallback(const request_state& c) {
    std::size_t passed = c.fallbacks_passed;
    return !c.wishes.no_fallback && next_fallback(c, passed) != nullptr;
}

bool pass_on(request_state& c, const refusal& why, time_point now) {
    const retry::ended_pass pass{
        .why = why.code,
        .is_fallback = c.model != c.asked_model,
        .answer_begun = false,
        .forbidden = c.wishes.no_fallback,
        .left = c.work.deadline - now
    };
    if (!retry::falls_back(pass)) return false;
    const model_entry* next = next_fallback(c, c.fallbacks_passed);
    if (!next) return false;
    if (!c.first_refusal) c.first_refusal = why;
    note(c, why);
    c.reserved.settle({0, 0, 0, 0}, now);
    forget_pass(c);
    take_model(c, *next);
    c.record.fell_back_to = next->name;
    return true;
}

bool fall_back(request_context& c, const refusal& why) {
    const model_entry& left = *c.model;
    if (!has_fallback(c)) return false;
    if (retry::may_have_run(why.code) && !left.admission->may_retry(c.now())) return false;
    if (!pass_on(c, why, c.now())) return false;
    c.slot.end(event::completed{.end = ending::refused, .streamed = c.work.streamed}, c.now());
    c.attempts = {.made = 0, .max = c.attempts.max};
    c.fresh_connection = false;
    c.last_refusal.reset();
    c.detail.clear();
    auto& r = c.record;
    c.thread.metrics.fell_back(
        left.name, describe(why.code).label, r.klass, r.queue_wait - r.waited_elsewhere
    );
    r.waited_elsewhere = r.queue_wait;
    c.in_flight = observe::thread_metrics::in_flight(c.thread.metrics.model(c.model->name));
    return true;
}

refusal told_at_last(request_context& c, refusal last) {
    if (!c.first_refusal || retry::ends_request(last.code)) return last;
    note(c, last);
    c.detail.clear();
    c.record.predicted_wait = c.first_refusal->predicted_wait.value_or(std::chrono::milliseconds());
    refusal first = std::move(*c.first_refusal);
    first.detail.clear();
    return first;
}

}  // namespace penstock::gateway
