// What holds of admission by fixed slots whatever happens, over random interleavings of everything
// that a gateway can do. Fixed seeds.
#include "policies/admission_driver.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace penstock::admission {
namespace {

#ifdef __OPTIMIZE__
constexpr int events_each = 250'000;
#else
constexpr int events_each = 10'000;
#endif

using numbers = std::vector<std::uint32_t>;
using lane_key = std::tuple<int, numbers, numbers, std::uint64_t>;  // class, pools, tried, needs

// A bookkeeper beside the policy: it knows what it did and checks every verdict against it.
class chaos {
 public:
    explicit chaos(std::uint64_t seed) : random_(seed), spec_(draw_spec()), policy_(spec_, now_) {
        remember(policy_.settings_changed(spec_, now_));
    }

    void run(int events) {
        for (int i = 0; i < events && !testing::Test::HasFatalFailure(); ++i) {
            step();
            deliver();
            check();
        }
        finish();
    }

    std::uint64_t grants = 0, refusals[num_errcs] = {}, probes = 0, cancels[3] = {};

 private:
    struct open_ticket {
        ticket name;
        lane_key lane;
        std::uint64_t sequence = 0;
        time_point timeout, deadline;
        bool no_queue = false, is_granted = false;
        std::uint32_t replica = 0;
    };
    using id = std::pair<std::uint32_t, std::uint32_t>;
    static id key(ticket t) { return {t.slot, t.generation}; }

    std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
    bool chance(std::uint32_t in) { return below(in) == 0; }

    domain_spec draw_spec() {
        domain_spec spec{.id = "chat"};
        for (std::uint32_t p = 0; p < 3; ++p) {
            if (p > 0 && chance(4)) continue;
            pool_spec& pool = spec.pools.emplace_back();
            pool.id = "p" + std::to_string(p);
            for (std::uint32_t r = 0; r < 4; ++r) {
                if (chance(4)) continue;
                pool.replicas.push_back({
                    .id = pool.id + "/" + std::to_string(r),
                    .slots = 1 + below(6),
                    .offers = 1u + below(3),
                    .needs_warmup = chance(5),
                });
            }
        }
        spec.classes[0] = {.pending = below(20), .timeout = 1ms * below(3000)};
        spec.classes[1] = {.pending = below(40), .timeout = 1ms * below(20'000)};
        spec.breaker = {.failures = 1 + below(6), .open_for = 1s, .open_for_max = 4s};
        spec.outlier = {.min_requests = 8, .window = 4s, .eject_for = 2s};
        spec.slow_start = 1ms * below(3000);
        return spec;
    }

    void remember(const admission_policy::indices& indices) {
        slots_.clear();
        offers_.clear();
        pool_of_.clear();
        ASSERT_EQ(indices.pools.size(), spec_.pools.size());
        for (std::size_t p = 0; p < spec_.pools.size(); ++p) {
            const auto [pool, _] = pools_.emplace(spec_.pools[p].id, indices.pools[p].value);
            ASSERT_EQ(pool->second, indices.pools[p].value) << "a pool changed its number";
            for (std::size_t r = 0; r < spec_.pools[p].replicas.size(); ++r) {
                const replica_spec& spec = spec_.pools[p].replicas[r];
                const std::uint32_t index = indices.replicas[p][r].value;
                const auto [replica, _] = replicas_.emplace(spec.id, index);
                ASSERT_EQ(replica->second, index) << "a replica changed its number";
                slots_[index] = spec.slots;
                offers_[index] = spec.offers;
                pool_of_[index] = indices.pools[p].value;
            }
        }
        std::set<std::uint32_t> given;
        for (const auto& [_, number] : replicas_)
            given.insert(number);
        ASSERT_EQ(given.size(), replicas_.size()) << "a number was given to another replica";
    }

    void step() {
        switch (below(32)) {
            default:
                return arrive();
            case 12:
            case 13:
            case 14:
            case 15:
            case 16:
            case 17:
                return complete(false);
            case 18:
            case 19:
                return complete(true);
            case 20:
                return cancel();
            case 21:
                return late_event();
            case 22:
                return fact();
            case 23:
                return refuse_by_engine();
            case 24:
            case 25:
            case 26:
            case 27:
            case 28:
                return pass(1ms * below(200));
            case 29:
                return chance(20) ? pass(1ms * below(30'000)) : pass(0s);
            case 30:
                return chance(20) ? reload() : pass(1us);
            case 31:
                return chance(8) ? recover() : pass(1us);
        }
    }

    void arrive() {
        open_ticket t;
        work w;
        std::get<0>(t.lane) = static_cast<int>(below(num_classes));
        w.klass = static_cast<request_class>(std::get<0>(t.lane));
        for (std::uint32_t i = 0, n = 1 + below(2); i < n; ++i) {
            const pool_index pool{below(3)};
            if (!w.pools.contains(pool)) w.pools.push(pool);
        }
        for (std::uint32_t i = 0, n = chance(4) ? 1 + below(3) : 0; i < n; ++i)
            w.tried.push({below(12)});
        w.needs = std::get<3>(t.lane) = below(4);
        w.no_queue = t.no_queue = chance(10);
        w.arrived = now_;
        if (chance(3)) w.ttft_deadline = now_ + 1ms * below(4000);
        if (chance(5)) w.deadline = now_ + 1ms * below(4000);
        for (const auto p : w.pools)
            std::get<1>(t.lane).push_back(p.value);
        for (const auto r : w.tried)
            std::get<2>(t.lane).push_back(r.value);
        t.deadline = std::min(w.ttft_deadline, w.deadline);
        t.timeout = now_ + spec_.classes[std::get<0>(t.lane)].timeout;
        t.sequence = sequence_++;
        t.name = policy_.arrive(w, now_);
        ASSERT_TRUE(open_.emplace(key(t.name), t).second) << "a ticket was given twice";
        line_[t.lane].insert(t.sequence);
    }

    open_ticket* any_open(bool is_granted) {
        if (open_.empty()) return nullptr;
        auto at = open_.lower_bound({below(highest_slot_ + 1), 0});
        for (std::size_t i = 0; i < open_.size(); ++i, ++at) {
            if (at == open_.end()) at = open_.begin();
            if (at->second.is_granted == is_granted) return &at->second;
        }
        return nullptr;
    }

    void close(open_ticket& t) {
        over_.push_back(t.name);
        if (over_.size() > 64) over_.erase(over_.begin(), over_.begin() + 32);
        if (t.is_granted)
            --in_flight_[t.replica];
        else
            leave_line(t);
        open_.erase(key(t.name));
    }
    void leave_line(const open_ticket& t) {
        const auto at = line_.find(t.lane);
        at->second.erase(t.sequence);
        if (at->second.empty()) line_.erase(at);
    }

    void complete(bool failed) {
        open_ticket* t = any_open(true);
        if (!t) return;
        const ending ends[] = {
            ending::served, ending::client_gone, ending::refused, ending::expired, ending::served
        };
        const ending end = failed && chance(2) ? ending::upstream_error : ends[below(5)];
        if (chance(4)) policy_.on(t->name, event::first_byte{}, now_);
        policy_.on(t->name, event::completed{.end = end}, now_);
        close(*t);
    }
    void refuse_by_engine() {
        open_ticket* t = any_open(true);
        if (!t) return;
        policy_.on(t->name, event::engine_refused{1ms * below(1500)}, now_);
        close(*t);
    }

    void cancel() {
        const bool is_granted = chance(2);
        open_ticket* t = any_open(is_granted);
        if (!t) return;
        const cancel_result c = policy_.cancel(t->name, now_);
        ++cancels[static_cast<int>(c.was)];
        if (is_granted) {
            ASSERT_EQ(c.was, cancel_result::state::granted);
            ASSERT_EQ(c.replica.value, t->replica);
            policy_.on(t->name, event::completed{}, now_);
        } else {
            ASSERT_EQ(c.was, cancel_result::state::waiting);
        }
        close(*t);
    }

    void late_event() {
        if (over_.empty()) return;
        const ticket t = over_[below(static_cast<std::uint32_t>(over_.size()))];
        ASSERT_EQ(policy_.cancel(t, now_).was, cancel_result::state::over);
        ++cancels[static_cast<int>(cancel_result::state::over)];
        policy_.on(t, event::completed{.end = ending::served}, now_);
        policy_.on(t, event::engine_refused{}, now_);
    }

    void fact() {
        const replica_index who{below(14)};
        const auto any_state = static_cast<replica_state>(below(5));
        switch (below(3)) {
            case 0:
                return policy_.on(who, fact::probed{!chance(3)}, now_);
            case 1:
                return policy_.on(
                    who, fact::state{chance(3) ? any_state : replica_state::ready}, now_
                );
            case 2:
                return policy_.on(who, fact::scraped{.running = 3}, now_);
        }
    }
    void recover() {
        for (std::uint32_t r = 0; r < 12; ++r)
            policy_.on(replica_index{r}, fact::state{replica_state::ready}, now_);
    }

    void reload() {
        spec_ = draw_spec();
        remember(policy_.settings_changed(spec_, now_));
    }

    // Time stops wherever the policy wants to be woken.
    void pass(duration span) {
        const time_point until = now_ + span;
        while (policy_.next_wakeup() <= until && !testing::Test::HasFatalFailure()) {
            const time_point wake = policy_.next_wakeup();
            ASSERT_GT(wake, now_) << "woken for nothing";
            now_ = wake;
            deliver();
        }
        now_ = until;
    }

    void deliver() {
        for (bool more = true; more && !testing::Test::HasFatalFailure();) {
            verdict_batch batch;
            more = policy_.advance(now_, batch);
            ASSERT_TRUE(!more || batch.size == verdict_batch_size);
            for (const verdict& v : batch)
                std::visit([&](const auto& x) { take(x); }, v);
        }
    }

    open_ticket* judged(ticket who) {
        const auto at = open_.find(key(who));
        return at == open_.end() || at->second.is_granted ? nullptr : &at->second;
    }

    void take(const granted& g) {
        open_ticket* t = judged(g.who);
        ASSERT_TRUE(t) << "a verdict for nobody, or a second one";
        const auto& [klass, pools, tried, needs] = t->lane;
        const std::uint32_t r = g.replica.value;
        ASSERT_TRUE(slots_.count(r)) << "granted a replica that is gone";
        ASSERT_TRUE(std::count(pools.begin(), pools.end(), pool_of_[r]));
        ASSERT_FALSE(std::count(tried.begin(), tried.end(), r));
        ASSERT_EQ(offers_[r] & needs, needs);
        ASSERT_LT(in_flight_[r], slots_[r]) << "more than its slots";
        ASSERT_LT(now_, t->deadline);
        ASSERT_LE(now_, t->timeout);
        ASSERT_EQ(*line_.at(t->lane).begin(), t->sequence) << "overtaken in its own lane";
        leave_line(*t);
        ++in_flight_[r];
        t->is_granted = true;
        t->replica = r;
        highest_slot_ = std::max(highest_slot_, g.who.slot);
        ++grants;
        probes += g.probe;
    }

    void take(const refused& r) {
        open_ticket* t = judged(r.who);
        ASSERT_TRUE(t) << "a verdict for nobody, or a second one";
        ASSERT_GE(r.retry_after, spec_.retry_after_min);
        ASSERT_LE(r.retry_after, spec_.retry_after_max);
        ASSERT_TRUE(r.reason != errc::deadline_spent || t->deadline <= now_);
        ASSERT_TRUE(r.reason != errc::queue_timeout || t->timeout == now_);
        ASSERT_TRUE(r.reason != errc::would_queue || t->no_queue);
        ++refusals[static_cast<std::size_t>(r.reason)];
        close(*t);
    }

    void check() {
        std::uint32_t waiting = 0, in_flight = 0;
        for (const auto& [_, line] : line_)
            waiting += static_cast<std::uint32_t>(line.size());
        for (const auto& [_, count] : in_flight_)
            in_flight += count;
        ASSERT_EQ(policy_.waiting(), waiting);
        ASSERT_EQ(policy_.in_flight(), in_flight);
        if (!chance(64)) return;
        for (const auto& [_, t] : open_) {
            if (t.is_granted) continue;
            ASSERT_GT(t.timeout, now_) << "waits beyond its time";
            ASSERT_GT(t.deadline, now_) << "waits beyond its deadline";
            ASSERT_FALSE(t.no_queue);
        }
        for (const replica_view& v : policy_.replicas(now_))
            ASSERT_EQ(v.in_flight, in_flight_[v.index.value]);
    }

    void finish() {
        while (open_ticket* t = any_open(false)) {
            ASSERT_EQ(policy_.cancel(t->name, now_).was, cancel_result::state::waiting);
            close(*t);
        }
        while (open_ticket* t = any_open(true)) {
            policy_.on(t->name, event::completed{}, now_);
            close(*t);
        }
        verdict_batch batch;
        ASSERT_FALSE(policy_.advance(now_, batch));
        EXPECT_TRUE(batch.empty());
        EXPECT_EQ(policy_.in_flight(), 0u);
        EXPECT_EQ(policy_.waiting(), 0u);
        EXPECT_EQ(policy_.next_wakeup(), never);
        for (const replica_view& v : policy_.replicas(now_))
            EXPECT_EQ(v.in_flight, 0u) << v.id;
    }

    std::mt19937_64 random_;
    time_point now_{1000s};
    domain_spec spec_;
    fixed_slots policy_;
    std::uint64_t sequence_ = 0;
    std::uint32_t highest_slot_ = 0;
    std::map<id, open_ticket> open_;
    std::map<lane_key, std::set<std::uint64_t>> line_;
    std::map<std::uint32_t, std::uint32_t> in_flight_, slots_, pool_of_;
    std::map<std::uint32_t, std::uint64_t> offers_;
    std::map<std::string, std::uint32_t> pools_, replicas_;
    std::vector<ticket> over_;
};

class fixed_slots_chaos : public testing::TestWithParam<std::uint64_t> {};

TEST_P(fixed_slots_chaos, keeps_every_promise_and_leaks_nothing) {
    chaos c{GetParam()};
    c.run(events_each);
    EXPECT_GT(c.grants, events_each / 20u);
    EXPECT_GT(c.probes, 0u);
    for (const errc reason :
         {errc::queue_full,
          errc::queue_timeout,
          errc::deadline_spent,
          errc::no_replica,
          errc::would_queue})
        EXPECT_GT(c.refusals[static_cast<std::size_t>(reason)], 0u) << describe(reason).label;
    for (const std::uint64_t times : c.cancels)
        EXPECT_GT(times, 0u);
}

INSTANTIATE_TEST_SUITE_P(seeds, fixed_slots_chaos, testing::Values(1, 2, 3, 4, 5));

}  // namespace
}  // namespace penstock::admission
