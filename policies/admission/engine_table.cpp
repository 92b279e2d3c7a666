// What each replica was given and how fast it reads.
#include "policies/admission/engine_table.hpp"

#include "policies/admission/units.hpp"

#include <algorithm>

namespace penstock::admission {
namespace {

constexpr double unknown_rate = 10'000;  // tokens a second, until anything is learned
// What a full replica seems later than an empty one, seconds: between equals the emptier wins.
constexpr double tie = 1e-3;

bool is_same(const fact::scraped& a, const fact::scraped& b) noexcept {
    return a.running == b.running && a.waiting == b.waiting && a.kv_used == b.kv_used &&
           a.preemptions == b.preemptions && a.max_running == b.max_running &&
           a.kv_tokens == b.kv_tokens;
}

}  // namespace

// ── what there is ───────────────────────────────────────────────────────────────────────────────

void engine_table::apply(
    const domain_spec& spec, const admission_policy::indices& indices, time_point now
) {
    target_ = seconds(spec.classes[at(request_class::realtime)].tpot);
    for (engine& e : engines_)
        e.listed = false;
    for (pool& p : pools_)
        p = pool{};
    engines_.reserve(health_.size());
    while (engines_.size() < health_.size())
        engines_.emplace_back().prefill = departure_rate(how_.rate_fade);
    std::size_t tickets = 0;
    for (std::size_t i = 0; i < spec.pools.size(); ++i) {
        const pool_index at = indices.pools[i];
        if (pools_.size() <= at.value) pools_.resize(at.value + 1);
        std::vector<placement::bounded_ring::member> ring;
        for (std::size_t r = 0; r < spec.pools[i].replicas.size(); ++r) {
            const replica_index who = indices.replicas[i][r];
            enroll(spec.pools[i].replicas[r], who, at);
            ring.push_back({health_.id(who), who});
            tickets += spec.pools[i].replicas[r].slots;
        }
        pool& p = pools_[at.value];
        p.ring.build(ring);
        for (auto& heap : p.ready)
            heap.reserve(engines_.size());
    }
    changes_.reserve(engines_.size());
    readings_.reserve(tickets);
    for (std::uint32_t i = 0; i < engines_.size(); ++i)
        refresh(replica_index{i}, now);
}

void engine_table::enroll(const replica_spec& spec, replica_index who, pool_index pool) {
    engine& e = engines_[who.value];
    e.listed = true;
    e.stands = replica_table::standing::down;
    e.pool = pool;
    e.slots = spec.slots;
    e.kv_most = e.said_kv > 0 ? e.said_kv : spec.kv_tokens;
    e.limit.set_most(e.said_slots == 0 ? e.slots : std::min(e.slots, e.said_slots));
    auto& p = pools_[pool.value];
    p.members.push_back(who);
    p.offers &= spec.offers;
    p.in_flight += e.in_flight;
    p.kv += e.kv;
    p.rate_sum += e.rate;
    p.rates += e.rate > 0;
}

// ── where a replica stands ──────────────────────────────────────────────────────────────────────

std::uint32_t engine_table::limit(replica_index who, time_point now) const noexcept {
    return std::min(engines_[who.value].limit.value(), health_.limit(who, now));
}

double engine_table::typical_rate(pool_index i) const noexcept {
    const pool& p = pools_[i.value];
    return p.rates == 0 ? 0 : p.rate_sum / p.rates;
}

double engine_table::rate_of(const engine& e) const noexcept {
    if (e.rate > 0) return e.rate;
    const double typical = typical_rate(e.pool);
    return typical > 0 ? typical : unknown_rate;
}

bool engine_table::may_have_more(const engine& e) const noexcept {
    return e.unread < how_.engine_tokens || e.backlog < e.rate * seconds(how_.engine_work);
}

std::uint32_t engine_table::reserve(request_class as, std::uint32_t limit) const noexcept {
    if (as == request_class::realtime || limit <= how_.realtime_reserve) return 0;
    return how_.realtime_reserve;
}

void engine_table::forget_stale(engine& e, time_point now) noexcept {
    if (now < e.stale_at) return;
    e.stale_at = never;
    e.spoke = false;
    e.others = e.others_kv = 0;
    e.limit.pressed();
}

void engine_table::count(pool& p, engine& e, replica_table::standing stands) noexcept {
    using standing = replica_table::standing;
    if (replica_table::is_up(e.stands)) --p.usable, p.slots -= e.slots;
    if (replica_table::is_up(stands)) ++p.usable, p.slots += e.slots;
    p.coming += (stands == standing::coming) - (e.stands == standing::coming);
    e.stands = stands;
}

void engine_table::refresh(replica_index who, time_point now) {
    engine& e = engines_[who.value];
    if (!e.listed) {
        changes_.take(who.value);
        return;
    }
    forget_stale(e, now);
    pool& p = pools_[e.pool.value];
    const auto stands = health_.stands(who, now);
    count(p, e, stands);
    e.limit.in_flight(e.in_flight);
    const std::uint32_t limit = this->limit(who, now);
    // What it does for others corrects and never gates: one of ours may always try.
    const double running = e.in_flight == 0 ? 0 : e.in_flight + e.others;
    const bool room = stands == replica_table::standing::free && may_have_more(e);
    const double key = e.backlog / rate_of(e) + tie * running / std::max(1u, limit);
    for (const auto as : {request_class::realtime, request_class::bulk}) {
        auto& ready = p.ready[at(as)];
        if (room && running + reserve(as, limit) < limit)
            ready.put(who.value, key);
        else
            ready.take(who.value);
    }
    const time_point change = std::min(health_.next_change(who, now), e.stale_at);
    if (change == never)
        changes_.take(who.value);
    else
        changes_.put(who.value, change);
}

bool engine_table::pass(time_point now) {
    const bool any = next_change() <= now;
    while (readings_.first_key_or(never) <= now) {
        const std::uint32_t slot = readings_.first();
        const replica_index who = tickets_[slot].replica;
        stop_reading(slot, false, now);
        refresh(who, now);
    }
    while (changes_.first_key_or(never) <= now)
        refresh(replica_index{changes_.first()}, now);
    return any;
}

time_point engine_table::next_change() const noexcept {
    return std::min(changes_.first_key_or(never), readings_.first_key_or(never));
}

// To the digit what it said before, although of ours something began or ended there: old numbers,
// told again. Taken for true they would make a request of others out of each of ours that has ended
// since.
bool engine_table::repeats(const engine& e, const fact::scraped& said) noexcept {
    return e.moved && is_same(said, e.said);
}

// Ours are as many as there were at most since it was last asked: its numbers are of some moment of
// that time.
void engine_table::note_others(engine& e, const fact::scraped& said) noexcept {
    const auto less = [](double all, double ours) { return std::max(0.0, all - ours); };
    if (said.running >= 0)
        e.others = less(said.running + std::max(0.0, said.waiting), e.most_in_flight);
    if (said.kv_used >= 0 && e.kv_most > 0)
        e.others_kv =
            less(said.kv_used * static_cast<double>(e.kv_most), static_cast<double>(e.most_kv));
}

void engine_table::scraped(replica_index who, const fact::scraped& said, time_point now) {
    if (who.value >= engines_.size()) return;
    engine& e = engines_[who.value];
    // One that tells no memory, or uses none, may well say the same again: it is believed to be
    // there, and no more.
    const bool is_news = !repeats(e, said);
    if (!is_news && said.kv_used > 0) return;
    if (e.spoke) e.stale_at = after(now, how_.stale_after * (now - e.heard));
    e.heard = now;
    e.spoke = true;
    if (said.max_running >= 1) {
        e.said_slots = static_cast<std::uint32_t>(std::min(said.max_running, 1e6));
        e.limit.set_most(std::min(e.slots, e.said_slots));
    }
    if (said.kv_tokens >= 1)
        e.kv_most = e.said_kv = static_cast<std::uint64_t>(std::min(said.kv_tokens, 1e15));
    if (is_news) {
        note_others(e, said);
        e.said = said;
        e.moved = false;
    }
    e.most_in_flight = e.in_flight;
    e.most_kv = e.kv;
    const bool preempted = e.preemptions >= 0 && said.preemptions > e.preemptions;
    if (said.preemptions >= 0) e.preemptions = said.preemptions;
    // What we sent and it has not read waits there because we sent it.
    if (preempted || said.waiting > e.reading + how_.engine_queue) e.limit.pressed();
    review(who, now);
    refresh(who, now);
}

void engine_table::review(replica_index who, time_point now) {
    engines_[who.value].limit.review(target_, how_, now);
}

// ── what is sent to it and comes back ───────────────────────────────────────────────────────────

void engine_table::begin(std::uint32_t slot, const choice& where, time_point now) {
    const replica_index who = where.replica;
    request_entry& t = tickets_[slot];
    engine& e = engines_[who.value];
    pool& p = pools_[e.pool.value];
    t.replica = who;
    t.granted_at = now;
    t.predicted = where.ttft;
    t.kv = kv_of(t.work);
    e.kv += t.kv;
    p.kv += t.kv;
    ++e.in_flight;
    ++p.in_flight;
    e.most_in_flight = std::max(e.most_in_flight, e.in_flight);
    e.most_kv = std::max(e.most_kv, e.kv);
    e.moved = true;
    // Of an answer in one piece nobody hears when its prompt was read: it is believed to have been
    // after as long as the rate says, which only streams teach. Without a rate it is left out.
    if (t.work.streamed || e.rate > 0) {
        t.reading = true;
        t.unread = t.work.prompt_tokens - where.cached;
        t.backlog = t.cost - where.cached;
        e.backlog += t.backlog;
        e.unread += t.unread;
        t.previous = e.newest;
        t.next = no_slot;
        (e.newest == no_slot ? e.oldest : tickets_[e.newest].next) = slot;
        e.newest = slot;
        ++e.reading;
        e.streams += t.work.streamed;
        if (!t.work.streamed) readings_.put(slot, after(now, as_duration(e.backlog / e.rate)));
        e.prefill.waiting_changed(e.streams > 0, now);
    }
    refresh(who, now);
}

void engine_table::stop_reading(std::uint32_t slot, bool was_read, time_point now) {
    request_entry& t = tickets_[slot];
    engine& e = engines_[t.replica.value];
    (t.previous == no_slot ? e.oldest : tickets_[t.previous].next) = t.next;
    (t.next == no_slot ? e.newest : tickets_[t.next].previous) = t.previous;
    t.reading = false;
    e.backlog = e.oldest == no_slot ? 0 : e.backlog - t.backlog;
    e.unread -= t.unread;
    --e.reading;
    e.streams -= t.work.streamed;
    readings_.take(slot);
    if (was_read) e.prefill.departed(now, t.backlog);
    e.prefill.waiting_changed(e.streams > 0, now);
}

void engine_table::first_token(std::uint32_t slot, time_point now) {
    request_entry& t = tickets_[slot];
    t.first_token_at = t.progress_at = now;
    engine& e = engines_[t.replica.value];
    const double took = seconds(now - t.granted_at);
    e.limit.saw_first_token(took);
    constexpr double in_time = 1e-4;  // and earlier: all the same
    // Beyond what an engine has to do at most it was the engine that was slow, not the prediction.
    const double most = seconds(how_.engine_work);
    if (t.predicted > 0) e.late.see(std::clamp(took - t.predicted, in_time, most));
    if (!t.reading) return;
    for (std::uint32_t i = e.oldest; i != slot;) {
        const std::uint32_t following = tickets_[i].next;
        if (!tickets_[i].work.streamed) stop_reading(i, true, now);
        i = following;
    }
    stop_reading(slot, true, now);
    const double rate = e.prefill.per_second();
    if (e.listed) {
        pool& p = pools_[e.pool.value];
        p.rate_sum += rate - e.rate;
        p.rates += (rate > 0) - (e.rate > 0);
    }
    e.rate = rate;
    refresh(t.replica, now);
}

void engine_table::progress(std::uint32_t slot, std::uint32_t tokens, time_point now) {
    request_entry& t = tickets_[slot];
    if (t.first_token_at == time_point{} || tokens == 0) return;
    engine& e = engines_[t.replica.value];
    e.limit.saw_time_per_token(seconds(now - t.progress_at) / tokens, tokens);
    t.progress_at = now;
    review(t.replica, now);
    refresh(t.replica, now);
}

void engine_table::end(std::uint32_t slot, std::uint64_t output, time_point now) {
    request_entry& t = tickets_[slot];
    engine& e = engines_[t.replica.value];
    if (t.reading) stop_reading(slot, false, now);
    // One that never told of its progress was over too soon for it.
    if (t.first_token_at != time_point{} && t.progress_at == t.first_token_at && output > 1) {
        const auto more = static_cast<std::uint32_t>(std::min<std::uint64_t>(output - 1, 1u << 20));
        e.limit.saw_time_per_token(seconds(now - t.first_token_at) / more, more);
    }
    --e.in_flight;
    e.moved = true;
    e.kv -= t.kv;
    if (e.listed) {
        pool& p = pools_[e.pool.value];
        --p.in_flight;
        p.kv -= t.kv;
    }
    review(t.replica, now);
    refresh(t.replica, now);
}

}  // namespace penstock::admission
