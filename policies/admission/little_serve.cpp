// Who starts next, and where.
#include "policies/admission/little.hpp"
#include "policies/admission/units.hpp"

#include <algorithm>

namespace penstock::admission {
namespace {

// Tickets that find no room for their keys and values are passed over up to this many: a large one
// holds up few that are small, and the order stays nearly what it should be.
constexpr std::uint32_t passed_for_room = 8;

// Of two that have tried nothing yet: the same replicas may have them.
bool asks_the_same(const work& a, const work& b) noexcept {
    return a.needs == b.needs && a.elsewhere == b.elsewhere && a.tried.empty() && b.tried.empty() &&
           std::ranges::equal(a.pools, b.pools);
}

}  // namespace

bool little::serve(pool_index pool, time_point now, verdict_batch& out) {
    while (waiting_ > 0) {
        switch (serve_next(pool, now, out)) {
            case served::one:
                break;
            case served::none:
                offer_to_guests(pool);
                return true;
            case served::batch_full:
                return false;
        }
    }
    return true;
}

// Those whose pool it is had their chance, and what is free suits none of them.
void little::offer_to_guests(pool_index pool) noexcept {
    bool& guest_is_next = queues_[pool.value].guest_is_next;
    if (guest_is_next || !engines_.any_ready(pool, request_class::realtime)) return;
    guest_is_next = changed_ = true;
}

little::served little::serve_next(pool_index pool, time_point now, verdict_batch& out) {
    using enum request_class;
    const bool bulk_first = bulk_is_due(pool);
    // What is due may have the slot that is kept for realtime: else a busy pool never has one.
    if (bulk_first)
        if (const served s = serve_class(pool, bulk, realtime, now, out); s != served::none)
            return s;
    if (const served s = serve_class(pool, realtime, realtime, now, out); s != served::none)
        return s;
    if (bulk_first || !bulk_may_go(pool)) return served::none;
    return serve_class(pool, bulk, bulk, now, out);
}

// Deficit round robin (Shreedhar, Varghese 1995): once what it is owed pays for its next ticket.
bool little::bulk_is_due(pool_index pool) const noexcept {
    const class_queue& bulk = queue(pool, request_class::bulk);
    if (bulk.waiting == 0) return false;
    const std::uint32_t next =
        bulk.aside.empty() ? first_of(bulk.flows.first()) : bulk.aside.front();
    const double price = std::min(price_of(tickets_[next].work, 0), how_.owed_most);
    return queues_[pool.value].owed_to_bulk >= price;
}

double little::price_of(const work& work, std::uint32_t cached) const noexcept {
    return how_.input_weight * (work.prompt_tokens - cached) +
           how_.output_weight * work.output_expected;
}

bool little::bulk_may_go(pool_index pool) const noexcept {
    const class_queue& realtime = queue(pool, request_class::realtime);
    const duration target = classes_[static_cast<std::size_t>(request_class::realtime)].ttft;
    return realtime.waiting == 0 || typical_wait(realtime) < how_.holdback * seconds(target);
}

little::served little::serve_class(
    pool_index pool, request_class klass, request_class as, time_point now, verdict_batch& out
) {
    class_queue& q = queue(pool, klass);
    const auto c = static_cast<std::size_t>(klass);
    if (q.waiting == 0 || running_[c] >= classes_[c].concurrency) return served::none;
    if (const served s = serve_aside(pool, klass, as, now, out); s != served::none) return s;
    while (!q.flows.empty()) {
        const std::uint32_t slot = first_of(q.flows.first());
        const work& w = tickets_[slot].work;
        const engine_table::choice where = find(w, as);
        if (where.replica.valid()) return start(slot, where, now, out);
        if (!is_possible(w, now)) {
            if (full(out)) return served::batch_full;
            refuse(slot, errc::no_replica, now, out);
            return served::one;
        }
        const bool for_room = where.lacks_room && !where.odd;
        if (for_room ? q.lack_room >= passed_for_room : !where.odd) return served::none;
        set_aside(slot, for_room);
    }
    return served::none;
}

little::served little::serve_aside(
    pool_index pool, request_class klass, request_class as, time_point now, verdict_batch& out
) {
    struct {
        std::uint32_t slot = no_slot;
        turn its;
        engine_table::choice where;
    } next;
    const work* in_vain = nullptr;  // asked for what nobody offers now: nor does who asks the same
    for (const std::uint32_t slot : queue(pool, klass).aside) {
        const work& w = tickets_[slot].work;
        if (in_vain && asks_the_same(w, *in_vain)) continue;
        const turn its = turn_of(slot);
        if (next.slot != no_slot && !(its < next.its)) continue;
        const engine_table::choice where = find(w, as);
        if (where.replica.valid()) {
            next = {slot, its, where};
        } else if (!is_possible(w, now)) {
            if (full(out)) return served::batch_full;
            refuse(slot, errc::no_replica, now, out);
            return served::one;
        } else if (where.odd) {
            in_vain = &w;
        }
    }
    return next.slot == no_slot ? served::none : start(next.slot, next.where, now, out);
}

little::turn little::turn_of(std::uint32_t aside) const noexcept {
    const request_entry& t = tickets_[aside];
    const pool_index pool = t.work.pools.items[0];
    const std::uint32_t i = flows_.find({pool, t.work.klass, t.work.tenant});
    const double served =
        i == flow_table::none ? queue(pool, t.work.klass).level : flows_[i].served;
    return {served, t.due, t.sequence};
}

engine_table::choice little::find(const work& work, request_class as) const {
    const pool_index first = work.pools.items[0];
    engine_table::choice found = engines_.choose(work, first, as);
    if (found.replica.valid()) return found;
    const bool is_down = engines_.usable(first) == 0;
    bool any_up = !is_down;
    for (std::size_t i = 1; i < work.pools.size && !found.replica.valid(); ++i) {
        const pool_index larger = work.pools.items[i];
        const pool_queues& its = queues_[larger.value];
        any_up |= engines_.usable(larger) > 0;
        const bool nobody_waits = its.of[0].waiting == 0 && its.of[1].waiting == 0;
        const bool is_idle = nobody_waits && engines_.used(larger) < how_.spill_below;
        const bool is_guest = is_down && (nobody_waits || its.guest_is_next);
        if (!is_guest && !is_idle) continue;
        const engine_table::choice before = found;
        found = engines_.choose(work, larger, as);
        found.odd |= before.odd;
        found.lacks_room |= before.lacks_room;
    }
    // What nobody can take before a replica comes up holds up nobody who may go elsewhere.
    found.odd |= !found.replica.valid() && !any_up && queue(first, work.klass).may_spill > 0;
    return found;
}

bool little::is_possible(const work& work, time_point now) const {
    return std::any_of(work.pools.begin(), work.pools.end(), [&](pool_index each) {
        return engines_.is_possible(work, each, now);
    });
}

bool little::comes_too_late(
    const engine_table::choice& where, time_point first_token_by, time_point now
) noexcept {
    return after(now, as_duration(where.ttft + where.late)) > first_token_by;
}

// One that has not waited is not too late for a prediction: nothing is won by refusing what an idle
// replica could try, and what it learned from one bad answer would never be put right.
little::served little::start(
    std::uint32_t slot, const engine_table::choice& where, time_point now, verdict_batch& out
) {
    if (full(out)) return served::batch_full;
    const request_entry& t = tickets_[slot];
    if (t.work.deadline <= now)
        refuse(slot, errc::deadline_spent, now, out);
    else if (t.first_token_by <= now || (t.judged && comes_too_late(where, t.first_token_by, now)))
        refuse(slot, errc::too_late, now, out);
    else
        grant(slot, where, now, out);
    return served::one;
}

void little::grant(
    std::uint32_t slot, const engine_table::choice& where, time_point now, verdict_batch& out
) {
    request_entry& t = tickets_[slot];
    const work& w = t.work;
    const pool_index own = w.pools.items[0];
    class_queue& q = queue(own, w.klass);
    const pool_index serving = engines_.pool_of(where.replica);
    queues_[serving.value].guest_is_next = serving == own;
    // The guests of several pools take turns, too.
    if (serving != own && engines_.usable(own) == 0) first_guest_ = own.value + 1;
    if (!t.aside) q.level = std::max(q.level, flows_[t.flow].served);
    t.charged = price_of(w, where.cached);
    charge(slot, t.charged);
    q.departures.departed(now, t.cost);
    leave(slot, now);
    t.now = ticket_phase::granted;
    ++running_[static_cast<std::size_t>(w.klass)];
    t.probe = replicas_.begin(where.replica, now);
    engines_.begin(slot, where, now);
    out.push(granted{
        .who = tickets_.name_of(slot),
        .replica = where.replica,
        .predicted_ttft = as_duration(where.ttft),
        .probe = t.probe
    });
}

void little::refuse(std::uint32_t slot, errc reason, time_point now, verdict_batch& out) {
    const request_entry& t = tickets_[slot];
    double wait = predicted_wait(t.work, true);
    // Where nothing departs nothing is predicted; it has waited itself, though.
    if (reason == errc::queue_timeout) wait = std::max(wait, seconds(now - t.work.arrived));
    refused verdict = refusal_of(t.work, reason, wait, now);
    verdict.who = tickets_.name_of(slot);
    leave(slot, now);
    tickets_.remove(slot);
    out.push(verdict);
}

}  // namespace penstock::admission
