// Clients of a run, and the verdicts that they get.
#include "simulator/runner.hpp"

namespace penstock::simulator {
namespace {

constexpr duration connecting_fails_after = std::chrono::milliseconds(1);
constexpr duration total_timeout = std::chrono::minutes(10);  // the gateway's default

}  // namespace

bool runner::is(const occurrence& e, phase expected) {
    return callers_[e.index].generation == e.generation && callers_[e.index].now == expected;
}

void runner::next_arrival() {
    if (setup_.trace.empty())
        arriving_ = source_.next();
    else if (next_in_trace_ < setup_.trace.size())
        arriving_ = setup_.trace[next_in_trace_++];
    else
        arriving_ = std::nullopt;
    exhausted_ = !arriving_;
    if (arriving_) events_.put(arriving_->arrived, {happening::arrival});
}

void runner::arrive() {
    const request asked = *arriving_;
    next_arrival();
    const std::uint32_t i = callers_.add(asked, static_cast<std::uint32_t>(result_.records.size()));
    record& r = result_.records.emplace_back();
    r.arrived = asked.arrived;
    r.tenant = asked.tenant;
    r.prompt = asked.prompt;
    r.output = asked.output;
    r.klass = asked.klass;
    r.obeys = asked.obeys;
    const time_point gives_up = clients_.gives_up_at(asked.klass, asked.arrived);
    events_.put(gives_up, {happening::impatience, i, callers_[i].generation});
    ask(i);
}

void runner::ask(std::uint32_t i) {
    record& r = record_of(i);
    ++r.attempts;
    r.end = fate::running;
    callers_[i].tried = {};
    callers_[i].asked_at = now_;
    const work w = work_of(callers_[i]);
    const auto early = domain_.policy().sheds(w.klass, w.tenant, w.pools, now_);
    sheds_.saw(domain_.policy().queues(now_));
    if (early) return refuse(i, *early);
    queue(i, w);
}

void runner::queue(std::uint32_t i, const work& w) {
    callers_[i].now = phase::waiting;
    callers_[i].who = domain_.policy().arrive(w, now_);
    callers_.expects_verdict(i);
    advance();
}

work runner::work_of(const caller& c) const {
    const request& r = c.asked;
    work w;
    w.id = c.record;
    w.tenant = {r.tenant};
    w.klass = r.klass;
    w.prompt_tokens = r.est_prompt;
    w.prompt_error = r.est_error;
    w.output_expected = r.est_output;
    w.output_limit = r.max_tokens;
    w.affinity = r.affinity;
    w.arrived = c.asked_at;
    w.streamed = r.streamed;
    const duration target = setup_.spec.classes[static_cast<std::size_t>(r.klass)].ttft;
    if (r.streamed) w.ttft_deadline = after(w.arrived, target);
    w.deadline = after(w.arrived, r.deadline > duration::zero() ? r.deadline : total_timeout);
    w.tried = c.tried;
    const length::pool_question asks{
        .prompt =
            {.tokens = r.est_prompt,
             .error = r.est_error,
             .at_least = r.est_prompt - std::min(r.est_prompt, r.est_error)},
        .klass = r.klass,
        .tenant = w.tenant,
        .output_each = r.max_tokens ? r.max_tokens : r.est_output,
    };
    w.pools = length::choose_pools(pools_, asks).pools;
    return w;
}

void runner::refuse(std::uint32_t i, const refused& told) {
    record& r = record_of(i);
    r.end = fate::refused;
    r.reason = told.reason;
    r.told_wait = told.wait;
    r.told_retry = told.retry_after;
    const time_point back = clients_.returns_at(r, told, now_);
    if (back == never) return callers_.remove(i);
    callers_[i].now = phase::away;
    events_.put(back, {happening::comes_again, i, callers_[i].generation});
}

void runner::lose_patience(const occurrence& e) {
    caller& c = callers_[e.index];
    if (is(e, phase::granted)) {
        // Its first token may come this very moment.
        fleet_[c.replica].works.advance(now_, news_);
        hear_all();
    }
    if (c.generation != e.generation || c.now == phase::answered) return;
    const phase was = c.now;
    const ticket who = c.who;
    if (was != phase::away) record_of(e.index).end = fate::left;
    if (was == phase::granted) {
        fleet_[c.replica].works.cancel(e.index, now_, news_);
        plan_engine(c.replica);
    }
    callers_.remove(e.index);
    if (was == phase::waiting) {
        domain_.policy().cancel(who, now_);
        advance();
    } else if (was == phase::granted) {
        tell(who, event::completed{.end = ending::client_gone, .streamed = true});
    }
}

// ── verdicts ─────────────────────────────────────────────────────────────────────────────────────

void runner::dispatch(const granted& given) {
    const std::uint32_t i = callers_.of(given.who);
    caller& c = callers_[i];
    record& r = record_of(i);
    c.now = phase::granted;
    c.replica = fleet_.number_of(given.replica);
    r.granted = true;
    r.replica = c.replica;
    if (r.dispatched == never) r.dispatched = now_;
    if (fleet_[c.replica].lost) {
        const time_point known = now_ + connecting_fails_after;
        return events_.put(known, {happening::unreachable, i, c.generation});
    }
    fleet_[c.replica].works.submit({i, c.asked.prompt, c.asked.output}, now_, news_);
    plan_engine(c.replica);
}

}  // namespace penstock::simulator
