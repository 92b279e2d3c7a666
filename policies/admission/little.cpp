// Admission by Little's law: settings, events, and the order of a decision.
#include "policies/admission/little.hpp"

#include "policies/admission/units.hpp"

#include <algorithm>

namespace penstock::admission {
little::little(const domain_spec& spec, time_point now, const tuning& how) : how_(how) {
    settings_changed(spec, now);
}

admission_policy::indices little::settings_changed(const domain_spec& spec, time_point now) {
    std::size_t most = 64;
    for (std::size_t c = 0; c < num_classes; ++c) {
        classes_[c] = spec.classes[c];
        most += spec.classes[c].pending;
    }
    expiries_.reserve(most);
    arrivals_.reserve(64);
    flows_.reserve(most, how_.idle_tenants);
    const std::size_t waiting = most;
    for (const pool_spec& pool : spec.pools)
        for (const replica_spec& replica : pool.replicas)
            most += replica.slots;
    tickets_.reserve(most);
    retry_after_min_ = spec.retry_after_min;
    retry_after_max_ = std::max(spec.retry_after_min, spec.retry_after_max);
    const indices made = replicas_.apply(spec, now);
    engines_.apply(spec, made, now);
    for (const pool_index each : made.pools) {
        while (queues_.size() <= each.value)
            for (class_queue& q : queues_.emplace_back().of)
                q.departures = departure_rate(how_.rate_fade);
        for (class_queue& q : queues_[each.value].of) {
            q.flows.reserve(waiting + how_.idle_tenants);
            q.aside.reserve(waiting);
        }
    }
    changed_ = true;
    return made;
}

// ── events ──────────────────────────────────────────────────────────────────────────────────────

ticket little::arrive(const work& work, time_point now) {
    const std::uint32_t slot = tickets_.add();
    request_entry& t = tickets_[slot];
    t.now = ticket_phase::waiting;
    t.sequence = sequence_++;
    t.work = work;
    t.work.pools = replicas_.known(work.pools);
    t.cost = engines_.cost_of(work);
    const limits_of_wait limits = limits_of(t.work, now);
    t.expires = limits.expires;
    t.expiry = limits.expiry;
    t.first_token_by = limits.first_token_by;
    const bool by_deadline = classes_[at(work.klass)].discipline == queue_discipline::deadline;
    t.due = by_deadline ? limits.expires : time_point{};
    ++waiting_;
    if (!t.work.pools.empty()) join(slot);
    arrivals_.push_back(tickets_.name_of(slot));
    changed_ = true;
    return tickets_.name_of(slot);
}

cancel_result little::cancel(ticket who, time_point now) {
    request_entry* t = tickets_.find(who);
    if (!t) return {cancel_result::state::over, {}};
    if (t->now == ticket_phase::granted) {
        t->canceled = true;
        return {cancel_result::state::granted, t->replica};
    }
    leave(who.slot, now);
    tickets_.remove(who.slot);
    return {cancel_result::state::waiting, {}};
}

void little::end(ticket who, judgement how, const event::completed* told, time_point now) {
    request_entry& t = tickets_[who.slot];
    const usage used = told ? told->used : usage{};
    const bool counted = used.known || used.estimated;
    if (counted) {
        const auto uncached = static_cast<double>(used.prompt - std::min(used.cached, used.prompt));
        const double spent =
            how_.input_weight * uncached + how_.output_weight * static_cast<double>(used.output);
        charge(who.slot, spent - t.charged);
    } else if (!told || told->end != ending::served) {
        charge(who.slot, -t.charged);
    }
    --running_[at(t.work.klass)];
    replicas_.end(t.replica, t.canceled ? judgement::neutral : how, t.probe, now);
    engines_.end(who.slot, used.known ? used.output : 0, now);
    tickets_.remove(who.slot);
    changed_ = true;
}

void little::on(ticket who, const ticket_event& what, time_point now) {
    const request_entry* t = tickets_.find(who);
    if (!t || t->now != ticket_phase::granted) return;
    if (std::holds_alternative<event::first_byte>(what)) {
        if (t->work.streamed && t->first_token_at == time_point{})
            engines_.first_token(who.slot, now);
    } else if (const auto* progress = std::get_if<event::progress>(&what)) {
        if (t->work.streamed) engines_.progress(who.slot, progress->tokens, now);
    } else if (const auto* completed = std::get_if<event::completed>(&what)) {
        end(who, judgement_of(completed->end), completed, now);
    } else if (const auto* busy = std::get_if<event::engine_refused>(&what)) {
        replicas_.pause(t->replica, busy->retry_after, now);
        engines_.pressed(t->replica);
        end(who, judgement::neutral, nullptr, now);
    }
    changed_ = true;
}

void little::on(replica_index who, const replica_fact& what, time_point now) {
    if (who.value >= replicas_.size()) return;
    if (const auto* said = std::get_if<fact::scraped>(&what)) {
        engines_.scraped(who, *said, now);
    } else {
        replicas_.learn(who, what, now);
        engines_.refresh(who, now);
    }
    changed_ = true;
}

// ── verdicts ────────────────────────────────────────────────────────────────────────────────────

bool little::advance(time_point now, verdict_batch& out) {
    changed_ |= engines_.pass(now);
    if (!expire(now, out)) return true;
    if (!changed_) return false;
    // Whoever leaves a queue may let others start: of the other class, or of a smaller pool.
    while (changed_ && waiting_ > 0) {
        changed_ = false;
        if (serve_all(now, out) && judge_arrivals(now, out)) continue;
        changed_ = true;
        return true;
    }
    changed_ = false;
    if (waiting_ == 0) forget_arrivals();
    watch_shedding(now);
    return false;
}

bool little::serve_all(time_point now, verdict_batch& out) {
    const auto pools = static_cast<std::uint32_t>(queues_.size());
    const std::uint32_t from = first_guest_;
    // Guests come first: whose pool it is knows whether it is their turn.
    for (std::uint32_t i = 0; i < pools && waiting_ > 0; ++i)
        if (const pool_index pool{(from + i) % pools}; engines_.usable(pool) == 0)
            if (!serve(pool, now, out)) return false;
    for (std::uint32_t i = 0; i < pools && waiting_ > 0; ++i)
        if (engines_.usable({i}) > 0 && !serve({i}, now, out)) return false;
    return true;
}

bool little::expire(time_point now, verdict_batch& out) {
    while (expiries_.first_key_or(never) <= now) {
        if (full(out)) return false;
        const std::uint32_t slot = expiries_.first();
        refuse(slot, tickets_[slot].expiry, now, out);
    }
    return true;
}

bool little::judge_arrivals(time_point now, verdict_batch& out) {
    for (; next_arrival_ < arrivals_.size(); ++next_arrival_) {
        const ticket who = arrivals_[next_arrival_];
        const request_entry* t = tickets_.find(who);
        if (!t || t->now != ticket_phase::waiting) continue;
        if (full(out)) return false;
        if (!is_possible(t->work, now)) {
            refuse(who.slot, errc::no_replica, now, out);
            continue;
        }
        const limits_of_wait limits = limits_of(t->work, now);
        const double wait = predicted_wait(t->work, true);
        const errc why = judge(t->work, limits, wait, now);
        if (why != errc::count_) {
            refuse(who.slot, why, now, out);
            continue;
        }
        line& l = lines_[at(t->work.klass)];
        if (l.size >= classes_[at(t->work.klass)].pending)
            refuse(l.oldest, errc::displaced, now, out);
        line_up(who.slot, now);
    }
    forget_arrivals();
    return true;
}

void little::forget_arrivals() noexcept {
    arrivals_.clear();
    next_arrival_ = 0;
}

time_point little::next_wakeup() const {
    if (waiting_ == 0) return never;
    if (changed_) return {};
    return std::min(expiries_.first_key_or(never), engines_.next_change());
}

}  // namespace penstock::admission
