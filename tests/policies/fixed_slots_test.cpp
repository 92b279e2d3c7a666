// Admission by fixed slots: order, bounds, deadlines, cancelling.
#include "policies/admission_driver.hpp"

#include <gtest/gtest.h>

namespace penstock::admission {
namespace {

constexpr int waits = -1;
const work any = work_for({0});

TEST(fixed_slots, grants_a_free_replica_at_once_and_counts_it) {
    driver d{spec_of({{2}})};
    const ticket t = d.arrive(any);
    EXPECT_EQ(d.policy.waiting(), 1u);
    EXPECT_EQ(d.replica_of(t), 0);
    EXPECT_EQ(d.policy.waiting(), 0u);
    EXPECT_EQ(d.policy.in_flight(), 1u);
    d.end(t);
    EXPECT_EQ(d.policy.in_flight(), 0u);
}

TEST(fixed_slots, never_exceeds_the_slots_and_starts_the_next_when_one_ends) {
    driver d{spec_of({{2}})};
    const ticket a = d.start(any), b = d.start(any), c = d.arrive(any), e = d.arrive(any);
    EXPECT_EQ(d.replica_of(c), waits);
    EXPECT_EQ(d.replica_of(e), waits);
    d.end(b);
    EXPECT_EQ(d.replica_of(e), waits);
    EXPECT_EQ(d.replica_of(c), 0);
    EXPECT_EQ(d.policy.in_flight(), 2u);
    d.end(a);
    EXPECT_EQ(d.replica_of(e), 0);
}

TEST(fixed_slots, spreads_over_equal_replicas_in_turn) {
    driver d{spec_of({{8, 8, 8}})};
    int count[3] = {};
    for (int i = 0; i < 9; ++i) {
        const ticket t = d.arrive(any);
        const int r = d.replica_of(t);
        ASSERT_GE(r, 0);
        ++count[r];
        d.end(t);
    }
    for (const int each : count)
        EXPECT_EQ(each, 3);
}

TEST(fixed_slots, prefers_the_first_pool_that_has_room) {
    driver d{spec_of({{1}, {1}})};
    const work w = work_for({1, 0});
    EXPECT_EQ(d.replica_of(d.arrive(w)), 1);
    EXPECT_EQ(d.replica_of(d.arrive(w)), 0);
    EXPECT_EQ(d.replica_of(d.arrive(w)), waits);
}

TEST(fixed_slots, does_not_let_a_blocked_pool_hold_up_another) {
    driver d{spec_of({{1}, {1}})};
    d.start(work_for({0}));
    const ticket blocked = d.arrive(work_for({0}));
    EXPECT_EQ(d.replica_of(d.arrive(work_for({1}))), 1);
    EXPECT_TRUE(d.is_waiting(blocked));
}

TEST(fixed_slots, keeps_one_order_of_arrival_over_all_pools) {
    driver d{spec_of({{1}, {1}})};
    const ticket a = d.start(work_for({0}));
    d.start(work_for({1}));
    const ticket narrow = d.arrive(work_for({0}));
    const ticket wide = d.arrive(work_for({1, 0}));
    const ticket late = d.arrive(work_for({0}));
    d.end(a);
    EXPECT_EQ(d.replica_of(wide), waits);
    EXPECT_EQ(d.replica_of(narrow), 0);
    d.end(narrow);
    EXPECT_EQ(d.replica_of(late), waits);
    EXPECT_EQ(d.replica_of(wide), 0);
}

TEST(fixed_slots, spills_into_another_pool_only_while_half_of_it_is_idle) {
    driver d{spec_of({{1}, {2, 2}})};
    const ticket own = d.start(work_for({0, 1}));
    const ticket spilled = d.start(work_for({0, 1}));
    EXPECT_EQ(d.replica_of(d.arrive(work_for({0, 1}))), 2) << "one of four is in use";
    const ticket waiting = d.arrive(work_for({0, 1}));
    EXPECT_TRUE(d.is_waiting(waiting)) << "half of them are";
    EXPECT_EQ(d.policy.explain(work_for({0, 1}), d.now).candidates[1].eligible, false);
    EXPECT_GE(d.replica_of(d.arrive(work_for({1}))), 1) << "what belongs there finds room";
    d.end(spilled);
    EXPECT_TRUE(d.is_waiting(waiting));
    d.end(own);
    EXPECT_EQ(d.replica_of(waiting), 0);
}

TEST(fixed_slots, spills_where_the_preferred_pool_is_down_but_bounded_all_the_same) {
    driver d{spec_of({{4}, {2}})};
    d.say(0, replica_state::dead);
    d.start(work_for({0, 1}));
    const ticket waiting = d.arrive(work_for({0, 1}));
    EXPECT_TRUE(d.is_waiting(waiting));
    EXPECT_EQ(d.refusal_of(d.arrive(work_for({0}))).reason, errc::no_replica);
}

TEST(fixed_slots, starts_realtime_before_bulk_that_came_first) {
    driver d{spec_of({{1}})};
    const ticket running = d.start(any);
    const ticket batch = d.arrive(bulk(any)), person = d.arrive(any);
    d.end(running);
    EXPECT_EQ(d.replica_of(batch), waits);
    EXPECT_EQ(d.replica_of(person), 0);
}

TEST(fixed_slots, refuses_what_finds_the_queue_of_its_class_full) {
    domain_spec spec = spec_of({{1}});
    spec.classes[0].pending = 2;
    spec.classes[1].pending = 1;
    driver d{spec};
    d.start(any);
    const ticket first = d.arrive(any), second = d.arrive(any), third = d.arrive(any);
    const refused r = d.refusal_of(third);
    EXPECT_EQ(r.reason, errc::queue_full);
    EXPECT_EQ(r.retry_after, 1s);
    EXPECT_TRUE(d.is_waiting(first));
    EXPECT_TRUE(d.is_waiting(second));
    EXPECT_TRUE(d.is_waiting(d.arrive(bulk(any))));
    EXPECT_EQ(d.refusal_of(d.arrive(bulk(any))).reason, errc::queue_full);
    EXPECT_EQ(d.policy.waiting(), 3u);
}

TEST(fixed_slots, admits_to_a_free_pool_although_the_queue_is_full) {
    domain_spec spec = spec_of({{1}, {1}});
    spec.classes[0].pending = 0;
    driver d{spec};
    d.start(work_for({0}));
    EXPECT_EQ(d.refusal_of(d.arrive(work_for({0}))).reason, errc::queue_full);
    EXPECT_EQ(d.replica_of(d.arrive(work_for({1}))), 1);
}

TEST(fixed_slots, refuses_at_once_what_would_not_wait) {
    driver d{spec_of({{1}})};
    work impatient = any;
    impatient.no_queue = true;
    EXPECT_EQ(d.replica_of(d.arrive(impatient)), 0);
    EXPECT_EQ(d.refusal_of(d.arrive(impatient)).reason, errc::would_queue);
    EXPECT_EQ(d.policy.waiting(), 0u);
}

TEST(fixed_slots, refuses_after_the_time_out_and_asks_to_be_woken_for_it) {
    driver d{spec_of({{1}})};
    d.start(any);
    const ticket t = d.arrive(any);
    EXPECT_TRUE(d.is_waiting(t));
    EXPECT_EQ(d.policy.next_wakeup(), d.now + 10s);
    d.now += 10s - 1ns;
    EXPECT_TRUE(d.is_waiting(t));
    d.now += 1ns;
    EXPECT_EQ(d.refusal_of(t).reason, errc::queue_timeout);
    EXPECT_EQ(d.policy.next_wakeup(), never);
}

TEST(fixed_slots, refuses_when_the_requests_own_deadline_passes_first) {
    driver d{spec_of({{1}})};
    d.start(any);
    work hasty = any, hurried = any;
    hasty.ttft_deadline = d.now + 2s;
    hurried.deadline = d.now + 1s;
    const ticket a = d.arrive(hasty), b = d.arrive(hurried), c = d.arrive(any);
    d.advance();
    EXPECT_EQ(d.policy.next_wakeup(), d.now + 1s);
    d.now += 2s;
    EXPECT_EQ(d.refusal_of(a).reason, errc::deadline_spent);
    EXPECT_EQ(d.refusal_of(b).reason, errc::deadline_spent);
    EXPECT_TRUE(d.is_waiting(c));
}

TEST(fixed_slots, spends_no_slot_on_a_deadline_that_has_passed) {
    driver d{spec_of({{1}})};
    work late = any;
    late.ttft_deadline = d.now;
    EXPECT_EQ(d.refusal_of(d.arrive(late)).reason, errc::deadline_spent);
    EXPECT_EQ(d.policy.in_flight(), 0u);
}

TEST(fixed_slots, with_no_time_out_starts_what_can_start_and_refuses_the_rest) {
    domain_spec spec = spec_of({{1}});
    spec.classes[0].timeout = 0s;
    driver d{spec};
    EXPECT_EQ(d.replica_of(d.arrive(any)), 0);
    EXPECT_EQ(d.refusal_of(d.arrive(any)).reason, errc::queue_timeout);
}

TEST(fixed_slots, predicts_retry_after_from_the_rate_at_which_its_queue_moves) {
    domain_spec spec = spec_of({{1}});
    spec.classes[0].pending = 8;
    driver d{spec};
    std::vector<ticket> line{d.start(any)};
    const auto fill = [&] {
        while (line.size() < 9)
            line.push_back(d.arrive(any));
        d.advance();
    };
    for (int i = 0; i < 200; ++i) {
        fill();
        d.now += 500ms;
        d.end(line.front());
        line.erase(line.begin());
        d.advance();
    }
    fill();
    const refused r = d.refusal_of(d.arrive(any));
    EXPECT_EQ(r.reason, errc::queue_full);
    EXPECT_NEAR(seconds(r.wait), 4.0, 0.2);
    EXPECT_EQ(r.retry_after, r.wait);
    const prediction p = d.policy.explain(any, d.now);
    EXPECT_EQ(p.queued, 8u);
    EXPECT_EQ(p.wait, r.wait);
    EXPECT_FALSE(p.would_queue);
}

TEST(fixed_slots, predicts_no_slower_after_an_idle_hour) {
    domain_spec spec = spec_of({{1}});
    spec.classes[0] = {.pending = 10, .timeout = 1h};
    driver d{spec};
    const auto fill = [&] {
        std::vector<ticket> line{d.start(any)};
        for (int i = 0; i < 10; ++i)
            line.push_back(d.arrive(any));
        d.advance();
        return line;
    };
    for (const ticket t : fill()) {
        d.now += 1s;
        d.end(t);
        d.advance();
    }
    for (int i = 0; i < 60; ++i) {
        const ticket t = d.start(any);
        d.now += 1min;
        d.end(t);
    }
    fill();
    EXPECT_NEAR(seconds(d.refusal_of(d.arrive(any)).wait), 10, 0.5);
}

TEST(fixed_slots, keeps_retry_after_within_its_bounds) {
    domain_spec spec = spec_of({{1}});
    spec.classes[0] = {.pending = 100, .timeout = 1h};
    driver d{spec};
    std::vector<ticket> line{d.start(any)};
    for (int i = 0; i < 100; ++i)
        line.push_back(d.arrive(any));
    d.advance();
    for (int i = 0; i < 3; ++i) {
        d.now += 20s;
        d.end(line[i]);
        d.advance();
        d.arrive(any);
        d.advance();
    }
    const refused r = d.refusal_of(d.arrive(any));
    EXPECT_GT(r.wait, 10min);
    EXPECT_EQ(r.retry_after, 60s);
}

TEST(fixed_slots, unlinks_a_ticket_that_is_cancelled_while_it_waits) {
    driver d{spec_of({{1}})};
    const ticket running = d.start(any), gone = d.arrive(any), next = d.arrive(any);
    d.advance();
    EXPECT_EQ(d.policy.cancel(gone, d.now).was, cancel_result::state::waiting);
    EXPECT_EQ(d.policy.waiting(), 1u);
    EXPECT_EQ(d.policy.cancel(gone, d.now).was, cancel_result::state::over);
    d.end(running);
    EXPECT_EQ(d.replica_of(next), 0);
}

TEST(fixed_slots, cancels_a_ticket_before_its_first_advance) {
    driver d{spec_of({{1}})};
    const ticket t = d.arrive(any);
    EXPECT_EQ(d.policy.cancel(t, d.now).was, cancel_result::state::waiting);
    EXPECT_TRUE(d.advance().empty());
    EXPECT_EQ(d.policy.waiting() + d.policy.in_flight(), 0u);
}

TEST(fixed_slots, hands_a_cancelled_grant_to_the_canceller_who_drops_it) {
    driver d{spec_of({{1}})};
    const ticket t = d.arrive(any);
    d.advance();
    const cancel_result c = d.policy.cancel(t, d.now);
    EXPECT_EQ(c.was, cancel_result::state::granted);
    EXPECT_EQ(c.replica, replica_index{0});
    EXPECT_EQ(d.policy.in_flight(), 1u);
    d.end(t);
    EXPECT_EQ(d.policy.in_flight(), 0u);
    EXPECT_EQ(d.policy.cancel(t, d.now).was, cancel_result::state::over);
}

TEST(fixed_slots, ignores_late_and_foreign_events) {
    driver d{spec_of({{1}})};
    const ticket old = d.start(any);
    d.end(old);
    d.end(old);
    const ticket current = d.start(any);
    ASSERT_EQ(current.slot, old.slot);
    d.end(old);
    d.policy.on(old, event::engine_refused{}, d.now);
    d.end({99, 0});
    d.end({});
    d.policy.on(replica_index{99}, fact::probed{false}, d.now);
    const ticket waiting = d.arrive(any);
    d.advance();
    d.end(waiting);
    EXPECT_EQ(d.policy.in_flight(), 1u);
    EXPECT_EQ(d.policy.waiting(), 1u);
}

TEST(fixed_slots, fills_one_batch_after_the_other_and_loses_none) {
    driver d{spec_of({{40}})};
    for (int i = 0; i < 40; ++i)
        d.arrive(any);
    std::size_t sizes[3];
    bool more[3];
    for (int i = 0; i < 3; ++i) {
        verdict_batch batch;
        more[i] = d.policy.advance(d.now, batch);
        sizes[i] = batch.size;
    }
    EXPECT_EQ(sizes[0] + sizes[1] + sizes[2], 40u);
    EXPECT_TRUE(more[0] && more[1]);
    EXPECT_FALSE(more[2]);
}

TEST(fixed_slots, takes_progress_and_scraped_facts_without_a_change) {
    driver d{spec_of({{1}})};
    const ticket t = d.start(any);
    d.policy.on(t, event::first_byte{}, d.now);
    d.policy.on(t, event::progress{10}, d.now);
    d.policy.on(replica_index{0}, fact::scraped{.running = 99, .waiting = 99}, d.now);
    EXPECT_EQ(d.policy.in_flight(), 1u);
    d.end(t);
    EXPECT_EQ(d.replica_of(d.arrive(any)), 0);
}

TEST(fixed_slots, refuses_work_without_a_pool_of_its_own) {
    driver d{spec_of({{1}})};
    EXPECT_EQ(d.refusal_of(d.arrive(work_for({}))).reason, errc::no_replica);
    EXPECT_EQ(d.refusal_of(d.arrive(work_for({7}))).reason, errc::no_replica);
}

TEST(fixed_slots, uses_only_replicas_that_offer_what_the_work_needs) {
    domain_spec spec = spec_of({{1, 1}});
    spec.pools[0].replicas[1].offers = 0b01;
    driver d{spec};
    work rare = any, common = any;
    rare.needs = 0b10;
    common.needs = 0b01;
    EXPECT_EQ(d.replica_of(d.arrive(rare)), 0);
    const ticket second = d.arrive(rare);
    EXPECT_TRUE(d.is_waiting(second));
    EXPECT_EQ(d.replica_of(d.arrive(common)), 1);
    EXPECT_TRUE(d.is_waiting(second));
    spec.pools[0].replicas[0].offers = 0b01;
    d.policy.settings_changed(spec, d.now);
    EXPECT_EQ(d.refusal_of(second).reason, errc::no_replica);
}

TEST(fixed_slots, explains_what_it_then_does) {
    driver d{spec_of({{1, 2}})};
    const work w = tried(any, {0});
    const prediction p = d.policy.explain(w, d.now);
    EXPECT_TRUE(p.would_admit);
    ASSERT_EQ(p.candidates.size(), 2u);
    EXPECT_FALSE(p.candidates[0].eligible);
    EXPECT_TRUE(p.candidates[1].eligible);
    EXPECT_EQ(p.candidates[1].slots, 2u);
    EXPECT_EQ(d.policy.waiting(), 0u);
    d.start(w);
    d.start(w);
    const prediction full = d.policy.explain(w, d.now);
    EXPECT_FALSE(full.would_admit);
    EXPECT_TRUE(full.would_queue);
    EXPECT_EQ(full.queued, 0u);
    EXPECT_EQ(full.left[0].pending, 256);
    EXPECT_EQ(full.left[0].concurrency, -1) << "it has no such limit";
}

}  // namespace
}  // namespace penstock::admission
