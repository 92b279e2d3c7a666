// The loop of one run, and the domain in it.
#include "simulator/runner.hpp"

namespace penstock::simulator {

runner::runner(const setup& what, make_policy make)
    : setup_(what),
      domain_(make(domain_spec{}, time_point{}, what.how), what.every.timer_grain),
      numbers_(domain_.policy().settings_changed(what.spec, time_point{})),
      fleet_(what.spec, numbers_, what.engines, what.jumps),
      clients_(what.load),
      source_(what.load) {
    for (std::size_t p = 0; p < numbers_.pools.size(); ++p)
        pools_.push_back({.pool = numbers_.pools[p], .context = what.spec.pools[p].context});
    result_.from = time_point(what.load.warm_up);
    result_.until = time_point(what.load.length);
}

run_result runner::all() {
    plan_ahead();
    advance();
    while (!events_.empty() && !is_over()) {
        const auto next = events_.take();
        if (next.when > after(result_.until, setup_.drain)) break;
        now_ = next.when;
        ++result_.events;
        handle(next.what);
        hear_all();
        events_.put(to_arm(), {happening::wakeup});
    }
    const double window = seconds(result_.until - result_.from) * fleet_.size();
    if (window > 0) result_.busy = seconds(busy_) / window;
    result_.shed_flips = sheds_.most_flips();
    take_stock();
    return std::move(result_);
}

void runner::take_stock() {
    const admission_policy& policy = domain_.policy();
    result_.waiting = policy.waiting();
    result_.in_flight = policy.in_flight();
    work any;
    for (const length::pool_terms& each : pools_)
        any.pools.push(each.pool);
    for (const auto& each : policy.explain(any, now_).candidates)
        result_.backlog += each.backlog;
}

void runner::plan_ahead() {
    next_arrival();
    const rhythms& every = setup_.every;
    if (every.probe > duration::zero()) events_.put(now_, {happening::probe});
    if (every.scrape > duration::zero()) events_.put(now_ + every.scrape, {happening::scrape});
    if (every.progress > duration::zero())
        events_.put(now_ + every.progress, {happening::progress});
    events_.put(result_.from, {happening::window_begins});
    events_.put(result_.until, {happening::window_ends});
    for (std::uint32_t i = 0; i < setup_.load.faults.size(); ++i) {
        events_.put(time_point(setup_.load.faults[i].at), {happening::fault_begins, i});
        events_.put(time_point(setup_.load.faults[i].until), {happening::fault_ends, i});
    }
}

void runner::handle(const occurrence& e) {
    switch (e.what) {
        case happening::arrival:
            return arrive();
        case happening::engine:
            return look_at_engine(e.index);
        case happening::wakeup:
            return wake_up();
        case happening::impatience:
            return lose_patience(e);
        case happening::comes_again:
            if (is(e, phase::away)) ask(e.index);
            return;
        case happening::unreachable:
            if (is(e, phase::granted)) lose(e.index);
            return;
        case happening::progress:
            tell_progress();
            return events_.put(now_ + setup_.every.progress, e);
        case happening::scrape:
            scrape();
            return events_.put(now_ + setup_.every.scrape, e);
        case happening::probe:
            probe();
            return events_.put(now_ + setup_.every.probe, e);
        case happening::fault_begins:
            return begin(setup_.load.faults[e.index]);
        case happening::fault_ends:
            return end(setup_.load.faults[e.index]);
        case happening::window_begins:
            sheds_.start_counting();
            busy_ = -fleet_.busy(now_, news_);
            return;
        case happening::window_ends:
            busy_ += fleet_.busy(now_, news_);
            return;
    }
}

// ── the domain
// ─────────────────────────────────────────────────────────────────────────────────────

void runner::advance() {
    domain_.advance(now_, [this](const verdict& each) {
        if (const auto* given = std::get_if<granted>(&each))
            dispatch(*given);
        else
            turn_away(std::get<refused>(each));
    });
}

void runner::tell(ticket who, const ticket_event& what) {
    domain_.policy().on(who, what, now_);
    advance();
}

time_point runner::to_arm() {
    const time_point due = domain_.wakeup();
    return std::exchange(armed_, due) == due ? never : due;
}

void runner::wake_up() {
    if (domain_.wakeup() != now_) return;
    domain_.woken();
    armed_ = never;
    advance();
}

run_result run(const setup& what, make_policy make) {
    return runner(what, make).all();
}

}  // namespace penstock::simulator
