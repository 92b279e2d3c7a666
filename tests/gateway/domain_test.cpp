// One model's admission between threads: who is told what, where, and that nothing is lost.
#include "gateway/domain_of_threads.hpp"
#include "support/eventually.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <random>

namespace penstock::gateway {
namespace {

using test::eventually;

// What one request came to.
struct seen {
    std::atomic<bool> arrived = false, decided = false, release = false, ended = false;
    std::atomic<bool> on_own_loop = false;
    std::atomic<errc> refused_as = errc::count_;
    admission_wait* wait = nullptr;
};

io::task<void> ask(domain_of_threads& d, int loop, seen& s, work w) {
    io::loop& home = *d.loops[std::size_t(loop)];
    admission_wait wait(home);
    io::alarm alarm(home);
    s.wait = &wait;
    d.shared->arrive(w, wait, now());
    s.arrived = true;
    const verdict said = co_await wait;
    s.on_own_loop = io::loop::current() == &home;
    if (const auto* no = std::get_if<refused>(&said)) {
        s.refused_as = no->reason;
        s.decided = true;
    } else {
        permit slot(*d.shared, std::get<granted>(said));
        s.decided = true;
        while (!s.release)
            co_await alarm.wait_until(now());
        slot.end(event::completed{.end = ending::served}, now());
    }
    s.ended = true;
}

TEST(domain, tells_each_on_the_loop_where_it_waits) {
    domain_of_threads d(one_replica(1), 2);
    seen first, second;
    d.on(0, [&] { return ask(d, 0, first, d.any()); });
    ASSERT_TRUE(eventually([&] { return first.decided.load(); }));
    EXPECT_TRUE(first.on_own_loop);
    d.on(1, [&] { return ask(d, 1, second, d.any()); });
    ASSERT_TRUE(eventually([&] { return second.arrived.load(); }));
    EXPECT_EQ(d.shared->waiting(), 1u);
    EXPECT_FALSE(second.decided);
    first.release = true;  // ends on loop 0; the verdict is for loop 1
    ASSERT_TRUE(eventually([&] { return second.decided.load(); }));
    EXPECT_TRUE(second.on_own_loop);
    EXPECT_EQ(d.shared->in_flight(), 1u);
    second.release = true;
    ASSERT_TRUE(eventually([&] { return second.ended.load(); }));
    EXPECT_EQ(d.shared->in_flight(), 0u);
}

TEST(domain, ends_the_wait_of_whom_leaves_the_queue) {
    domain_of_threads d(one_replica(1), 1);
    seen holder, leaves, behind;
    d.on(0, [&] { return ask(d, 0, holder, d.any()); });
    d.on(0, [&] { return ask(d, 0, leaves, d.any()); });
    d.on(0, [&] { return ask(d, 0, behind, d.any()); });
    ASSERT_TRUE(eventually([&] { return behind.arrived.load(); }));
    std::atomic<int> was_waiting = -1;
    d.loops[0]->post([&] { was_waiting = d.shared->cancel(*leaves.wait, now()); });
    ASSERT_TRUE(eventually([&] { return leaves.ended.load(); }));
    EXPECT_EQ(was_waiting, 1);
    EXPECT_EQ(leaves.refused_as, errc::client_gone);
    EXPECT_EQ(d.shared->waiting(), 1u);
    holder.release = behind.release = true;
    EXPECT_TRUE(eventually([&] { return behind.ended.load(); }));
}

TEST(domain, refuses_when_the_time_in_the_queue_is_over) {
    auto spec = one_replica(1);
    spec.classes[0].timeout = 50ms;
    domain_of_threads d(spec, 2);
    seen holder, waits;
    d.on(0, [&] { return ask(d, 0, holder, d.any()); });
    ASSERT_TRUE(eventually([&] { return holder.decided.load(); }));
    const auto asked = now();
    d.on(1, [&] { return ask(d, 1, waits, d.any()); });
    ASSERT_TRUE(eventually([&] { return waits.ended.load(); })) << "though nothing else happens";
    EXPECT_EQ(waits.refused_as, errc::queue_timeout);
    EXPECT_GE(now() - asked, 50ms);
    EXPECT_TRUE(waits.on_own_loop);
    holder.release = true;
    EXPECT_TRUE(eventually([&] { return holder.ended.load(); }));
}

TEST(domain, starts_those_that_wait_when_settings_give_more_slots) {
    domain_of_threads d(one_replica(1), 2);
    std::vector<seen> all(4);
    for (int i = 0; i < 4; ++i)
        d.on(i % 2, [&, i] { return ask(d, i % 2, all[std::size_t(i)], d.any()); });
    ASSERT_TRUE(eventually([&] { return d.shared->waiting() == 3; }));
    d.shared->settings_changed(one_replica(3), {}, now());
    EXPECT_TRUE(eventually([&] { return d.shared->in_flight() == 3; }));
    EXPECT_EQ(d.shared->waiting(), 1u);
    for (auto& each : all)
        each.release = true;
    EXPECT_TRUE(eventually([&] { return d.shared->in_flight() == 0 && d.shared->waiting() == 0; }));
    for (auto& each : all)
        EXPECT_TRUE(eventually([&] { return each.ended.load(); }));
}

TEST(domain, delivers_more_verdicts_than_one_batch_holds) {
    auto spec = one_replica(1);
    domain_of_threads d(spec, 2);
    seen holder;
    d.on(0, [&] { return ask(d, 0, holder, d.any()); });
    ASSERT_TRUE(eventually([&] { return holder.decided.load(); }));
    constexpr std::size_t count = 5 * verdict_batch_size + 3;
    std::vector<seen> all(count);
    for (std::size_t i = 0; i < count; ++i)
        d.on(int(i % 2), [&, i] { return ask(d, int(i % 2), all[i], d.any()); });
    ASSERT_TRUE(eventually([&] { return d.shared->waiting() == count; }));
    d.shared->settings_changed(one_replica(count + 1), {}, now());
    for (auto& each : all) {
        ASSERT_TRUE(eventually([&] { return each.decided.load(); }));
        each.release = true;
    }
    holder.release = true;
    EXPECT_TRUE(eventually([&] { return d.shared->in_flight() == 0; }));
    for (auto& each : all)
        EXPECT_TRUE(eventually([&] { return each.ended.load(); }));
}

// ── an operator's word ──────────────────────────────────────────────────────────────────────────

replica_state state_of_replica(const domain_of_threads& d) {
    const auto views = d.shared->replicas(now());
    return views.empty() ? replica_state::dead : views[0].state;
}

TEST(domain, keeps_an_operators_word_while_the_replica_is_out_of_the_settings) {
    domain_of_threads d(one_replica(1), 1);
    const replica_index only{0};
    d.shared->say(only, operator_word::drained, now());
    EXPECT_EQ(state_of_replica(d), replica_state::draining);
    d.shared->settings_changed({.id = "m"}, {}, now());
    d.shared->settings_changed(one_replica(1), {}, now());
    EXPECT_EQ(d.shared->word_of(only), operator_word::drained);
    EXPECT_EQ(state_of_replica(d), replica_state::draining);
    d.shared->say(only, operator_word::ready, now());
    EXPECT_EQ(state_of_replica(d), replica_state::ready);
}

TEST(domain, takes_the_settings_word_for_nothing_but_an_end_of_the_drain) {
    auto spec = one_replica(1);
    spec.pools[0].replicas[0].needs_warmup = true;
    domain_of_threads d(spec, 1);
    const replica_index only{0};
    d.shared->settings_changed(spec, {}, now(), {{operator_word::cordoned}});
    EXPECT_EQ(d.shared->word_of(only), operator_word::cordoned);
    d.shared->settings_changed({.id = "m"}, {}, now());
    d.shared->settings_changed(spec, {}, now(), {{operator_word::ready}});
    EXPECT_EQ(state_of_replica(d), replica_state::starting) << "it is still to be warmed";
    d.shared->say(only, operator_word::ready, now());
    EXPECT_EQ(state_of_replica(d), replica_state::starting);
}

TEST(domain, tells_a_cordon_that_is_followed_by_a_drain) {
    domain_of_threads d(one_replica(1), 1);
    const replica_index only{0};
    d.shared->say(only, operator_word::cordoned, now());
    EXPECT_EQ(state_of_replica(d), replica_state::cordoned);
    d.shared->say(only, operator_word::drained, now());
    EXPECT_EQ(state_of_replica(d), replica_state::draining);
}

// ── the permit ──────────────────────────────────────────────────────────────────────────────────

io::task<void> take_on_loop(domain_of_threads& d, permit& taken, std::atomic<bool>& done) {
    admission_wait wait(*d.loops[0]);
    d.shared->arrive(d.any(), wait, now());
    const verdict said = co_await wait;
    if (const auto* yes = std::get_if<granted>(&said)) taken = permit(*d.shared, *yes);
    done = true;
}

// Of a domain that decides at once.
permit take(domain_of_threads& d) {
    permit taken;
    std::atomic<bool> done = false;
    d.on(0, [&] { return take_on_loop(d, taken, done); });
    EXPECT_TRUE(eventually([&] { return done.load(); }));
    return taken;
}

bool breaker_is_open(const domain_of_threads& d) {
    return d.shared->replicas(now())[0].breaker_open;
}

TEST(permit, dropped_without_a_word_reports_failure) {
    auto spec = one_replica(5);
    spec.breaker.failures = 2;
    domain_of_threads d(spec, 1);
    {
        const permit one = take(d);
    }
    EXPECT_EQ(d.shared->in_flight(), 0u);
    EXPECT_FALSE(breaker_is_open(d));
    {
        const permit two = take(d);
    }
    EXPECT_TRUE(breaker_is_open(d));
    EXPECT_FALSE(take(d)) << "refused";
}

TEST(permit, is_given_back_once_however_it_is_moved) {
    domain_of_threads d(one_replica(5), 1);
    permit a = take(d);
    permit b = std::move(a);
    EXPECT_FALSE(a);
    EXPECT_TRUE(b);
    permit c = take(d);
    EXPECT_EQ(d.shared->in_flight(), 2u);
    c = std::move(b);
    b.end(event::completed{.end = ending::served}, now());
    EXPECT_EQ(d.shared->in_flight(), 1u);
    c.end(event::completed{.end = ending::served}, now());
    c.end(event::completed{.end = ending::served}, now());
    EXPECT_EQ(d.shared->in_flight(), 0u);
}

TEST(domain, explains_what_time_has_changed_since_anybody_came) {
    domain_of_threads d(one_replica(5), 1, {}, "little");
    permit refused = take(d);
    const time_point then = now();
    refused.end(event::engine_refused{1s}, then);
    EXPECT_FALSE(d.shared->explain(d.any(), then).would_admit);
    EXPECT_TRUE(d.shared->explain(d.any(), then + 1s).would_admit) << "the pause is over";
}

TEST(domain, keeps_the_retry_budget_of_its_model) {
    domain_of_threads d(one_replica(1), 1, {.ratio = 0.1, .cap = 10, .floor = 3, .per = 1h});
    const auto t = now();
    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(d.shared->may_retry(t));
    EXPECT_FALSE(d.shared->may_retry(t));
    for (int i = 0; i < 10; ++i)
        take(d).end(event::completed{.end = ending::served}, now());
    EXPECT_TRUE(d.shared->may_retry(t)) << "ten requests earned one";
    EXPECT_FALSE(d.shared->may_retry(t));
}

// ── all at once ─────────────────────────────────────────────────────────────────────────────────

// Arrivals, ends and departures on four threads, interleaved as it happens.
class storm {
 public:
    explicit storm(std::uint32_t slots) : slots_(slots), d_(one_replica(slots), 4) {}

    void run(int requests_each) {
        for (int loop = 0; loop < 4; ++loop)
            for (int i = 0; i < requests_each; ++i) {
                ++open_;
                d_.on(loop, [this, loop, i] {
                    return request(loop, std::uint32_t(loop * 100'003 + i));
                });
            }
        EXPECT_TRUE(eventually([&] { return open_ == 0; }));
        EXPECT_EQ(d_.shared->in_flight(), 0u);
        EXPECT_EQ(d_.shared->waiting(), 0u);
        EXPECT_LE(most_, int(slots_));
        EXPECT_EQ(most_, int(slots_)) << "all slots were used";
        EXPECT_EQ(served_ + left_, 4 * requests_each);
        EXPECT_GT(served_, 0);
        EXPECT_GT(left_, 0);
    }

 private:
    io::task<void> request(int loop, std::uint32_t seed) {
        io::loop& home = *d_.loops[std::size_t(loop)];
        std::mt19937 random(seed);
        const auto wait = std::make_shared<admission_wait>(home);
        d_.shared->arrive(d_.any(), *wait, now());
        // The client leaves at some moment: before the verdict, while it is under way, after it.
        if (random() % 3 == 0)
            home.post([this, wait] {
                if (wait->is_waiting()) d_.shared->cancel(*wait, now());
            });
        admission_wait& mine = *wait;
        const verdict said = co_await mine;
        if (std::holds_alternative<refused>(said)) {
            ++left_;
        } else {
            permit slot(*d_.shared, std::get<granted>(said));
            const int with_me = ++inside_;
            int most = most_;
            while (with_me > most && !most_.compare_exchange_weak(most, with_me)) {
            }
            io::alarm alarm(home);
            if (random() % 64 == 0) co_await alarm.wait_until(now());
            slot.tell(event::progress{1}, now());
            --inside_;
            slot.end(event::completed{.end = ending::served}, now());
            ++served_;
        }
        --open_;
    }

    std::uint32_t slots_;
    std::atomic<int> inside_ = 0, most_ = 0, open_ = 0, served_ = 0, left_ = 0;
    domain_of_threads d_;
};

TEST(domain, survives_a_storm_with_few_slots) {
    storm(3).run(1500);
}

TEST(domain, survives_a_storm_with_one_slot) {
    storm(1).run(500);
}

}  // namespace
}  // namespace penstock::gateway
