// Engines of a run, what is told of them, and their faults.
#include "simulator/runner.hpp"

namespace penstock::simulator {

void runner::plan_engine(std::uint32_t number) {
    fleet::member& m = fleet_[number];
    const time_point next = m.works.next_event();
    if (next == m.next_event) return;
    m.next_event = next;
    events_.put(next, {happening::engine, number});
}

void runner::look_at_engine(std::uint32_t number) {
    fleet::member& m = fleet_[number];
    if (m.next_event != now_) return;  // it was planned anew since
    m.works.advance(now_, news_);
    plan_engine(number);
}

void runner::hear_all() {
    while (next_news_ < news_.size())
        hear(engine_news(news_[next_news_++]));
    news_.clear();
    next_news_ = 0;
}

void runner::hear(const engine_news& news) {
    caller& c = callers_[news.id];
    const ticket who = c.who;
    if (news.what == engine_news::kind::first_token) {
        record_of(news.id).first = news.when;
        c.now = phase::answered;
        if (c.asked.streamed) tell(who, event::first_byte{});
        return;
    }
    record& r = record_of(news.id);
    r.last = news.when;
    r.end = fate::finished;
    const event::completed how{
        .used = {.prompt = r.prompt, .output = r.output, .known = true},
        .end = ending::served,
        .streamed = c.asked.streamed
    };
    callers_.remove(news.id);
    tell(who, how);
}

void runner::tell_progress() {
    for (std::uint32_t n = 0; n < fleet_.size(); ++n) {
        engine& e = fleet_[n].works;
        e.advance(now_, news_);
        e.report_progress([&](std::uint32_t id, std::uint32_t tokens) {
            if (callers_[id].asked.streamed)
                domain_.policy().on(callers_[id].who, event::progress{tokens}, now_);
        });
        plan_engine(n);
    }
    advance();
}

void runner::scrape() {
    const frozen_numbers& frozen = setup_.every.frozen;
    const bool still = now_ >= time_point(frozen.from) && now_ < time_point(frozen.until);
    if (still && !frozen.repeats) return;
    for (std::uint32_t n = 0; n < fleet_.size(); ++n) {
        fleet::member& m = fleet_[n];
        if (m.lost) continue;
        m.works.advance(now_, news_);
        if (!still || !m.said) m.said = fleet::scraped(m.works);
        domain_.policy().on(m.name, *m.said, now_);
        plan_engine(n);
        advance();
    }
}

void runner::probe() {
    for (std::uint32_t n = 0; n < fleet_.size(); ++n) {
        domain_.policy().on(fleet_[n].name, fact::probed{!fleet_[n].lost}, now_);
        advance();
    }
}

// ── faults ───────────────────────────────────────────────────────────────────────────────────────

void runner::begin(const fault& f) {
    if (f.replica >= fleet_.size()) return;
    fleet::member& m = fleet_[f.replica];
    if (f.speed > 0) {
        m.works.set_speed(f.speed, now_, news_);
        return plan_engine(f.replica);
    }
    m.works.advance(now_, news_);
    hear_all();
    m.lost = true;
    std::vector<std::uint32_t> lost;
    m.works.lose_all(lost);
    plan_engine(f.replica);
    for (const std::uint32_t each : lost)
        lose(each);
}

void runner::end(const fault& f) {
    if (f.replica >= fleet_.size()) return;
    fleet_[f.replica].lost = false;
    fleet_[f.replica].works.set_speed(1, now_, news_);
    plan_engine(f.replica);
}

void runner::lose(std::uint32_t i) {
    caller& c = callers_[i];
    const ticket who = c.who;
    const bool again = c.now == phase::granted && c.tried.size + 1u < setup_.every.attempts;
    c.tried.push(fleet_[c.replica].name);
    c.now = phase::away;
    if (!again) {
        record_of(i).end = fate::failed;
        callers_.remove(i);
    }
    tell(who, event::completed{.end = ending::upstream_error, .streamed = true});
    if (again) queue(i, work_of(callers_[i]));
}

}  // namespace penstock::simulator
