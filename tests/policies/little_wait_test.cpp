// Admission by Little's law: who waits, who is refused, and what is predicted.
#include "policies/little_driver.hpp"

namespace penstock::admission {
namespace {

TEST(little, refuses_at_once_who_would_wait_for_far_longer_than_it_may) {
    little_driver d(spec_of({{64}}));
    teach(d, 1000, 100ms);  // 10 000 tokens a second: 2 500 of backlog
    d.start(stream(5000, 1h));
    std::vector<ticket> queued;
    // Departures teach the queue's own rate: 8 000 tokens in a second.
    for (int i = 0; i < 8; ++i)
        queued.push_back(d.arrive(stream(744, 1h, d.now)));
    EXPECT_EQ(d.policy.waiting(), 8u);
    d.now += 500ms;
    const refused no = d.refusal_of(d.arrive(stream(744, 10ms, d.now)));
    EXPECT_EQ(no.reason, errc::too_late) << "its own prompt alone takes a tenth of a second";
}

TEST(little, shuts_nobody_out_after_one_first_token_that_was_late) {
    little_driver d(spec_of({{4}}));
    teach(d, 1000, 100ms);
    const ticket slow = d.start(stream(744, 2s, d.now));
    d.now += 30s;
    d.policy.on(slow, event::first_byte{}, d.now);
    d.end(slow);
    for (int i = 0; i < 3; ++i) {
        const ticket next = d.start(stream(30'000, 2s, d.now));
        ASSERT_NE(next, ticket{}) << "the replica is idle";
        d.policy.on(next, event::first_byte{}, d.now += 100ms);
        d.end(next);
    }
    const ticket running = d.start(stream(100, 2s, d.now));
    ASSERT_NE(running, ticket{});
}

TEST(little, drops_at_its_turn_who_could_no_longer_begin_in_time) {
    little_driver d(spec_of({{1}}));
    teach(d, 1000, 100ms);
    const ticket running = d.start(stream(744, 1h, d.now));
    const ticket hopeful = d.arrive(stream(9744, 1500ms, d.now));
    EXPECT_TRUE(d.is_waiting(hopeful));
    d.now += 600ms;  // 10 000 tokens take a second, and 0.9 are left
    d.end(running);
    EXPECT_EQ(d.refusal_of(hopeful).reason, errc::too_late);
}

TEST(little, refuses_who_has_tried_all_that_is_up) {
    little_driver d(spec_of({{1, 1}}));
    EXPECT_EQ(d.refusal_of(d.arrive(tried(stream(1, 1h), {0, 1}))).reason, errc::no_replica);
    d.say(1, replica_state::dead);
    EXPECT_EQ(d.refusal_of(d.arrive(tried(stream(1, 1h), {0}))).reason, errc::no_replica);
}

TEST(little, drops_the_oldest_of_a_class_of_frames) {
    domain_spec spec = spec_of({{1}});
    spec.classes[0].pending = 2;
    spec.classes[0].discipline = queue_discipline::drop_oldest;
    little_driver d(spec);
    const ticket running = d.start(stream(1, 1h));
    const ticket a = d.arrive(stream(1, 1h)), b = d.arrive(stream(1, 30min));
    d.advance();
    const ticket c = d.arrive(stream(1, 20min));
    EXPECT_EQ(d.refusal_of(a).reason, errc::displaced);
    d.end(running);
    EXPECT_EQ(d.replica_of(b), 0) << "in order of arrival";
    d.end(b);
    EXPECT_EQ(d.replica_of(c), 0);
}

TEST(little, says_when_to_come_again_from_the_predicted_wait) {
    domain_spec spec = spec_of({{1}});
    spec.retry_after_min = 1ms;
    spec.retry_after_max = 1h;
    spec.classes[0].pending = 1000;
    spec.classes[0].timeout = 1h;
    little_driver d(spec);
    ticket running = d.start(stream(1000, 1h));
    for (int i = 0; i < 100; ++i)
        d.arrive(stream(1000, 1h));
    for (int i = 0; i < 20; ++i) {  // one a second leaves
        d.now += 1s;
        d.end(running);
        for (const verdict& v : d.advance())
            running = std::get<granted>(v).who;
    }
    work w = stream(1000, 2s, d.now);
    w.no_queue = true;
    w.id = 5;
    const refused no = d.refusal_of(d.arrive(w));
    EXPECT_EQ(no.reason, errc::would_queue);
    EXPECT_NEAR(seconds(no.wait), 80, 8);
    EXPECT_GE(no.retry_after, no.wait - 2s);
    EXPECT_LE(no.retry_after, 2 * no.wait);
    w.id = 6;
    EXPECT_NE(d.refusal_of(d.arrive(w)).retry_after, no.retry_after) << "jitter";
    w.no_queue = false;
    EXPECT_EQ(d.refusal_of(d.arrive(w)).reason, errc::wait_too_long);
    w.ttft_deadline = d.now + 60s;
    EXPECT_TRUE(d.is_waiting(d.arrive(w))) << "half of the predicted wait is below what is left";
}

TEST(little, sheds_a_class_from_the_head_until_its_wait_has_been_short_for_a_while) {
    domain_spec spec = spec_of({{1}});
    spec.classes[0] = {.pending = 1000, .timeout = 1h, .ttft = 2s};
    little_driver d(spec);
    const pool_list pools = work_for({0}).pools;
    const auto sheds = [&] {
        return d.policy.sheds(request_class::realtime, {7}, pools, d.now).has_value();
    };
    std::vector<ticket> queue{d.start(of_tenant(stream(1000, 1h), 7))};
    EXPECT_FALSE(sheds());
    for (int i = 0; i < 40; ++i)
        queue.push_back(d.arrive(of_tenant(stream(1000, 1h), 7)));
    d.advance();
    for (int i = 0; i < 30; ++i) {
        d.now += 200ms;
        d.end(queue[static_cast<std::size_t>(i)]);
        d.advance();
        if (i == 10) {
            ASSERT_TRUE(sheds());
            const auto no = d.policy.sheds(request_class::realtime, {7}, pools, d.now);
            EXPECT_EQ(no->reason, errc::wait_too_long);
            EXPECT_GT(no->wait, 4s);
            EXPECT_FALSE(d.policy.sheds(request_class::bulk, {7}, pools, d.now));
            EXPECT_FALSE(d.policy.sheds(request_class::realtime, {8}, pools, d.now))
                << "who has nothing in the queue would soon have its turn";
        }
    }
    EXPECT_FALSE(sheds());
}

TEST(little, sheds_from_the_head_what_only_a_pool_that_is_down_could_serve_until_it_may_be_back) {
    domain_spec spec = spec_of({{1}});
    spec.breaker = {.failures = 1, .open_for = 5s, .open_for_max = 5s};
    little_driver d(spec);
    const pool_list pools = work_for({0}).pools;
    EXPECT_FALSE(d.policy.sheds(request_class::realtime, {}, pools, d.now));
    ASSERT_TRUE(d.run(stream(1, 1h), ending::upstream_error));
    d.advance();
    const auto said = d.policy.sheds(request_class::realtime, {}, pools, d.now);
    ASSERT_TRUE(said);
    EXPECT_EQ(said->reason, errc::no_replica);
    EXPECT_EQ(said->retry_after, 5s);
    d.now += 5s;
    EXPECT_FALSE(d.policy.sheds(request_class::realtime, {}, pools, d.now)) << "a probe is due";
    EXPECT_TRUE(d.run(stream(1, 1h), ending::served));
}

TEST(little, explains_what_it_would_do_with_the_same_numbers) {
    domain_spec spec = spec_of({{2, 2}});
    spec.classes[0].timeout = 1h;
    spec.classes[0].pending = 3;
    little_driver d(spec);
    teach(d, 1000, 100ms);
    for (int i = 0; i < 12; ++i) {
        const work w = stream(1000 + 10 * static_cast<std::uint32_t>(i), 1h, d.now);
        const prediction p = d.policy.explain(w, d.now);
        const auto said = d.verdict_of(d.arrive(w));
        EXPECT_EQ(p.would_queue, !said);
        if (!said) continue;
        if (const auto* yes = std::get_if<granted>(&*said)) {
            EXPECT_TRUE(p.would_admit);
            EXPECT_EQ(p.replica, yes->replica);
            EXPECT_EQ(p.wait, yes->predicted_ttft);
        } else {
            const auto& no = std::get<refused>(*said);
            EXPECT_FALSE(p.would_admit);
            EXPECT_EQ(p.reason, no.reason);
            EXPECT_EQ(p.wait, no.wait);
            EXPECT_EQ(p.retry_after, no.retry_after);
        }
    }
}

TEST(little, explains_what_is_left_of_its_limits_whoever_asks) {
    domain_spec spec = spec_of({{1}});
    spec.classes[0].pending = 3;
    spec.classes[0].concurrency = 2;
    spec.classes[1].pending = 4;
    little_driver d(spec);
    ASSERT_EQ(d.replica_of(d.arrive(stream(100, 1h, d.now))), 0);
    ASSERT_TRUE(d.is_waiting(d.arrive(stream(100, 1h, d.now))));
    for (const work& asked : {stream(100, 1h, d.now), bulk(work_for({0})), work{}}) {
        const prediction p = d.policy.explain(asked, d.now);
        EXPECT_EQ(p.left[0].pending, 2);
        EXPECT_EQ(p.left[0].concurrency, 1);
        EXPECT_EQ(p.left[1].pending, 4);
        EXPECT_EQ(p.left[1].concurrency, 512);
    }
    spec.classes[0].pending = 0;
    d.policy.settings_changed(spec, d.now);
    EXPECT_EQ(d.policy.explain(work_for({0}), d.now).left[0].pending, 0) << "never less than none";
}

}  // namespace
}  // namespace penstock::admission
