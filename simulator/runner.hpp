// The parts of one run and what happens between them: clients, the domain and its policy, engines.
// run.cpp has the loop, run_clients.cpp and run_engines.cpp the two sides of it.
#pragma once

#include "policies/length/pool_choice.hpp"
#include "simulator/callers.hpp"
#include "simulator/client.hpp"
#include "simulator/domain_calls.hpp"
#include "simulator/event_queue.hpp"
#include "simulator/fleet.hpp"
#include "simulator/run.hpp"
#include "simulator/shed_watch.hpp"

namespace penstock::simulator {

using phase = caller::phase;

// What the queue of events holds. `index` is a caller, an engine or a fault.
enum class happening : std::uint8_t {
    arrival,
    engine,
    wakeup,       // the policy's
    impatience,   // a client may give up
    comes_again,  // a refused client
    unreachable,  // a lost replica did not take the connection
    progress,
    scrape,
    probe,
    fault_begins,
    fault_ends,
    window_begins,
    window_ends
};

// Named apart from penstock::event, what a policy is told.
struct occurrence {
    happening what;
    std::uint32_t index = 0, generation = 0;
};

class runner {
 public:
    runner(const setup& what, make_policy make);
    run_result all();

 private:
    bool is_over() { return exhausted_ && callers_.active() == 0 && now_ >= result_.until; }
    void plan_ahead();
    void take_stock();
    void handle(const occurrence& e);

    // ── the domain ──────────────────────────────────────────────────────────────────────────────

    void advance();
    void tell(ticket who, const ticket_event& what);
    time_point to_arm();
    void wake_up();

    // ── clients ─────────────────────────────────────────────────────────────────────────────────

    bool is(const occurrence& e, phase expected);
    record& record_of(std::uint32_t i) { return result_.records[callers_[i].record]; }
    void next_arrival();
    void arrive();
    // One attempt of a client.
    void ask(std::uint32_t i);
    void queue(std::uint32_t i, const work& w);
    work work_of(const caller& c) const;
    void refuse(std::uint32_t i, const refused& told);
    void lose_patience(const occurrence& e);

    // ── verdicts ────────────────────────────────────────────────────────────────────────────────

    void turn_away(const refused& told) { refuse(callers_.of(told.who), told); }
    void dispatch(const granted& given);

    // ── engines ─────────────────────────────────────────────────────────────────────────────────

    void plan_engine(std::uint32_t number);
    void look_at_engine(std::uint32_t number);
    // Policies that are told of one piece of news may bring about more.
    void hear_all();
    void hear(const engine_news& news);
    void tell_progress();
    void scrape();
    void probe();

    // ── faults ──────────────────────────────────────────────────────────────────────────────────

    void begin(const fault& f);
    void end(const fault& f);
    // An answer that has begun is broken off; any other is tried elsewhere, as the gateway does.
    void lose(std::uint32_t i);

    const setup& setup_;
    time_point now_{};
    domain_calls domain_;
    admission_policy::indices numbers_;
    fleet fleet_;
    client_habits clients_;
    load_source source_;
    shed_watch sheds_;
    callers callers_;
    event_queue<occurrence> events_;
    std::vector<length::pool_terms> pools_;
    std::vector<engine_news> news_;  // not heard yet: from next_news_ on
    std::size_t next_news_ = 0;
    std::optional<request> arriving_;
    std::size_t next_in_trace_ = 0;
    bool exhausted_ = false;
    time_point armed_ = never;
    duration busy_{};
    run_result result_;
};

}  // namespace penstock::simulator
