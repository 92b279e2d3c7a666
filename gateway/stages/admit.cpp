// A permit for one replica: at once, or after a bounded wait in the model's queue.
#include "gateway/explain/decided.hpp"
#include "gateway/request_context.hpp"
#include "gateway/stages/shed.hpp"
#include "gateway/stages/stages.hpp"
#include "gateway/stages/steer.hpp"
#include "penstock/observe/log.hpp"

namespace penstock::gateway {
namespace {

// A replica that a reload has just added is not in the settings that this request began with, and
// those that have it may still be on their way to this thread: they come within a tick or two.
constexpr int looks_for_new_settings = 50;

void find_granted(request_context& c) {
    replica_place found = find_replica(*c.model, c.slot.replica());
    if (!found.replica) {
        c.newer_settings = c.thread.settings;
        if (const model_entry* model = c.newer_settings->find_model(c.model->name))
            found = find_replica(*model, c.slot.replica());
    }
    c.pool = found.pool;
    c.replica = found.replica;
}

// By the class's target, which begins anew with each arrival: what one client wishes for says
// nothing of a replica.
time_point first_token_due(const request_context& c, time_point asked) {
    if (!c.work.streamed) return never;
    return after(asked, c.settings->limits_of(c.work.klass).ttft);
}

}  // namespace

io::task<stage_result<>> admit(request_context& c) {
    CO_CHECK_NOW(c.goes_on());
    const time_point asked = c.now();
    if (observe::log::says(observe::log::level::debug))
        log_decided(c, c.model->admission->explain(c.work, asked));
    c.model->admission->arrive(c.work, c.waiting, asked);
    c.first_token_due = first_token_due(c, asked);
    const bool at_once = c.waiting.await_ready();
    const verdict said = co_await c.waiting;
    if (!at_once) c.record.queue_wait += c.now() - asked;
    if (const auto* no = std::get_if<refused>(&said)) {
        c.record.predicted_wait = no->wait;
        CO_CHECK_NOW(c.goes_on());
        // No other replica is left: what the last one did is the truer answer.
        if (no->reason == errc::no_replica && c.last_refusal) co_return *c.last_refusal;
        co_return as_refusal(*no);
    }
    c.slot = permit(*c.model->admission, std::get<granted>(said));
    find_granted(c);
    io::alarm pause(c.thread.loop);
    for (int looks = 0; !c.replica && looks < looks_for_new_settings; ++looks) {
        co_await pause.wait_until(c.now());
        find_granted(c);
    }
    CO_CHECK_NOW(c.goes_on());
    if (!c.replica) co_return refusal(errc::no_replica);
    take_pool(c, *c.pool);
    c.record.replica = c.replica->id;
    co_return success();
}

}  // namespace penstock::gateway
