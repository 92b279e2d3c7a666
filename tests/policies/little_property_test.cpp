// What holds of admission by Little's law whatever happens, over random interleavings of everything
// that a gateway can do: the invariants of reference/routers.md 3.6. Fixed seeds.
#include "policies/admission/little.hpp"
#include "policies/chaos.hpp"

namespace penstock::admission {
namespace {

class chaos final : public chaos_of<little> {
 public:
    using chaos_of::chaos_of;
    std::uint64_t spilled = 0, passed_over = 0, shed = 0;

 private:
    // ── what is drawn ──
    void draw_more(domain_spec& spec) override {
        for (class_settings& each : spec.classes) {
            each.concurrency = chance(3) ? 1 + below(20) : 512;
            each.ttft = 1ms * (1 + below(3000));
            each.tpot = 1ms * below(60);
            each.floor = 0.1 * below(5);
            if (chance(4)) each.discipline = queue_discipline::drop_oldest;
        }
        for (pool_spec& pool : spec.pools)
            for (replica_spec& each : pool.replicas)
                if (chance(2)) each.kv_tokens = 500 + below(12'000);
    }
    void draw_more(work& w) override {
        w.tenant = {below(6)};
        w.streamed = !chance(3);
        if (!w.streamed) w.ttft_deadline = never;
        w.prompt_tokens = 1 + below(chance(10) ? 20'000 : 1500);
        w.output_expected = below(400);
        w.affinity = below(5);
        w.cached_hint = below(2000);
        if (chance(200)) w.pools = work_for({17}).pools;
    }
    void during(const open_ticket& t) override {
        if (chance(3)) return policy_->on(t.name, event::progress{below(40)}, now_);
        policy_->on(t.name, event::first_byte{}, now_);
    }
    void scrape(replica_index who) override {
        const auto maybe = [&](double said) { return chance(2) ? said : -1; };
        fact::scraped said{
            .running = maybe(below(8)),
            .waiting = maybe(below(5)),
            .kv_used = maybe(0.01 * below(100)),
            .preemptions = maybe(below(3)),
            .max_running = maybe(below(8)),
            .kv_tokens = maybe(below(8000)),
        };
        policy_->on(who, said, now_);
        if (said.kv_tokens >= 1 && who.value < replicas_.size())
            said_kv_[who.value] = static_cast<std::uint64_t>(said.kv_tokens);
    }

    // ── what is checked ──
    using chaos_of::examine;
    static std::uint64_t kv_of(const work& w) {
        return std::uint64_t{w.prompt_tokens} + w.output_expected;
    }
    std::uint64_t promised(std::uint32_t replica) const {
        std::uint64_t sum = 0;
        for (const auto& [_, t] : open_)
            if (t.is_granted && t.replica == replica) sum += kv_of(t.what);
        return sum;
    }
    // At least: what an engine says of what it does for others comes on top.
    void fits(const open_ticket& t, std::uint32_t r) {
        const auto said = said_kv_.find(r);
        const std::uint64_t most = said == said_kv_.end() ? listed_[r].kv_tokens : said->second;
        if (most == 0 || in_flight_[r] == 0) return;
        ASSERT_LE(static_cast<double>(promised(r) + kv_of(t.what)), 0.9 * static_cast<double>(most))
            << "more keys and values than there is room for";
    }
    static bool is_surely_up(const replica_view& v) {
        return v.state == replica_state::ready && !v.breaker_open && v.slots > 0;
    }
    std::uint32_t waiting_in(std::uint32_t pool) const {
        return static_cast<std::uint32_t>(std::count_if(
            open_.begin(),
            open_.end(),
            [&](const auto& each) {
                const open_ticket& t = each.second;
                return !t.is_granted && !t.pools.empty() && t.pools.items[0].value == pool;
            }
        ));
    }
    // Found before the policy's own count of what it may use: that can only be stricter.
    void may_spill(const open_ticket& t, std::uint32_t pool) {
        ++spilled;
        const auto views = policy_->replicas(now_);
        const bool first_is_up = std::any_of(views.begin(), views.end(), [&](const auto& v) {
            return pool_of_.count(v.index.value) &&
                   pool_of_[v.index.value] == t.pools.items[0].value && is_surely_up(v);
        });
        if (!first_is_up) return;
        double used = 0, slots = 0;
        for (const auto& [r, spec] : listed_)
            if (pool_of_[r] == pool) used += in_flight_[r], slots += spec.slots;
        ASSERT_LT(used, 0.5 * slots) << "a larger pool that is more than half in use";
        ASSERT_EQ(waiting_in(pool), 0u) << "before those for whom the larger pool is the first";
    }
    void examine(const open_ticket& t, const granted& g) override {
        ASSERT_LT(now_, t.what.ttft_deadline);
        const std::uint32_t r = g.replica.value;
        ASSERT_NO_FATAL_FAILURE(fits(t, r));

        if (pool_of_[r] != t.pools.items[0].value) may_spill(t, pool_of_[r]);
        for (const replica_view& v : policy_->replicas(now_))
            ASSERT_TRUE(v.index != g.replica || v.in_flight <= v.slots) << "more than its limit";
        std::uint32_t running = 1;
        for (const auto& [_, other] : open_)
            running += other.is_granted && other.what.klass == t.what.klass;
        ASSERT_LE(running, queue(t).concurrency);
    }
    std::uint32_t ahead_in_class(const open_ticket& t) const {
        return static_cast<std::uint32_t>(std::count_if(
            open_.begin(),
            open_.end(),
            [&](const auto& each) {
                const open_ticket& o = each.second;
                return !o.is_granted && o.what.klass == t.what.klass && o.sequence < t.sequence;
            }
        ));
    }
    void examine(const open_ticket& t, const refused& r) override {
        const work& w = t.what;
        const bool has_target = w.streamed && w.ttft_deadline == never;
        const time_point first_token_by = has_target ? w.arrived + queue(t).ttft : w.ttft_deadline;
        const time_point due = std::min({w.deadline, first_token_by, t.timeout});
        switch (r.reason) {
            case errc::deadline_spent:
                ASSERT_LE(w.deadline, now_);
                break;
            case errc::too_late:
                ASSERT_LT(first_token_by, never);
                break;
            case errc::queue_full:
                ASSERT_FALSE(t.stayed);
                ASSERT_GE(ahead_in_class(t), queue(t).pending);
                break;
            case errc::displaced:
                ASSERT_EQ(queue(t).discipline, queue_discipline::drop_oldest);
                ASSERT_EQ(ahead_in_class(t), 0u) << "not the oldest";
                break;
            case errc::wait_too_long:
                ASSERT_FALSE(t.stayed);
                ASSERT_GE(seconds(r.wait) * tuning{}.optimism, seconds(due - now_) - 1e-6);
                break;
            case errc::no_replica:
                for (const replica_view& v : policy_->replicas(now_)) {
                    const auto spec = listed_.find(v.index.value);
                    const bool usable = spec != listed_.end() && spec->second.slots > 0 &&
                                        t.pools.contains({pool_of_[v.index.value]}) &&
                                        (w.needs & ~spec->second.offers) == 0 &&
                                        !w.tried.contains(v.index) && is_surely_up(v);
                    ASSERT_FALSE(usable) << v.id << " could have taken it";
                }
                break;
            case errc::queue_timeout:
            case errc::would_queue:
                break;
            default:
                FAIL() << describe(r.reason).label;
        }
    }

    // One that waits though a replica would take it waits behind one that goes first: those that
    // may use the same pools block each other only when many find no room for their tokens.
    void examine_all() override {
        if (open_.empty()) {
            EXPECT_EQ(policy_->backlog(), 0);
            for (const auto& c : policy_->explain(work_for({0, 1, 2}), now_).candidates) {
                EXPECT_EQ(c.backlog, 0u);
                EXPECT_EQ(c.kv_tokens, 0u);
                EXPECT_EQ(c.in_flight, 0u);
            }
        }
        for (const auto& [_, t] : open_) {
            if (t.is_granted || t.pools.size != 1) continue;
            work asked = t.what;
            asked.pools = t.pools;  // those that there were when it came
            if (!policy_->explain(asked, now_).would_admit) continue;
            ++passed_over;
            const auto beside = std::count_if(open_.begin(), open_.end(), [&](const auto& each) {
                const open_ticket& o = each.second;
                return !o.is_granted && !o.pools.empty() && o.what.klass == t.what.klass &&
                       o.pools.items[0] == t.pools.items[0];
            });
            ASSERT_GT(beside, 9) << "a replica idles";
        }
        for (const auto klass : {request_class::realtime, request_class::bulk}) {
            const auto said = policy_->sheds(klass, {below(6)}, work_for({0}).pools, now_);
            if (!said) continue;
            if (said->reason == errc::no_replica) {
                ASSERT_EQ(policy_->explain(work_for({0}), now_).reason, errc::no_replica);
                continue;
            }
            ++shed;
            ASSERT_EQ(said->reason, errc::wait_too_long);
            ASSERT_GT(said->wait, 0s);
        }
    }

    std::map<std::uint32_t, std::uint64_t> said_kv_;
};

class little_chaos : public testing::TestWithParam<std::uint64_t> {};

TEST_P(little_chaos, keeps_every_promise_and_leaks_nothing) {
    chaos c{GetParam()};
    c.run(chaotic_events);
    EXPECT_GT(c.grants, chaotic_events / 20u);
    EXPECT_GT(c.probes, 0u);
    EXPECT_GT(c.spilled, 0u);
    for (const errc reason :
         {errc::queue_full,
          errc::queue_timeout,
          errc::deadline_spent,
          errc::wait_too_long,
          errc::too_late,
          errc::displaced,
          errc::no_replica,
          errc::would_queue})
        EXPECT_GT(c.refusals[static_cast<std::size_t>(reason)], 0u) << describe(reason).label;
    for (const std::uint64_t times : c.cancels)
        EXPECT_GT(times, 0u);
}

INSTANTIATE_TEST_SUITE_P(seeds, little_chaos, testing::Values(1, 2, 3));

}  // namespace
}  // namespace penstock::admission
