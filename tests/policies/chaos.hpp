// A gateway gone mad: random interleavings of all that can happen to an admission policy, with the
// books that check every verdict. What is a policy's own is drawn and checked by a class made of
// it.
#pragma once

#include "policies/admission_driver.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace penstock::admission {

// Of a run. A sanitized one takes thirty times as long.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr int chaotic_events = 100'000;
#elif defined(__OPTIMIZE__)
inline constexpr int chaotic_events = 1'000'000;
#else
inline constexpr int chaotic_events = 10'000;
#endif

template <class Policy>
class chaos_of {
 public:
    explicit chaos_of(std::uint64_t seed) : random_(seed) {}
    virtual ~chaos_of() = default;

    void run(int events) {
        spec_ = draw_spec();
        policy_.emplace(spec_, now_);
        remember(policy_->settings_changed(spec_, now_));
        for (int i = 0; i < events && !failed(); ++i) {
            step();
            deliver();
            check();
        }
        finish();
    }

    std::uint64_t grants = 0, refusals[num_errcs] = {}, probes = 0, cancels[3] = {};

 protected:
    struct open_ticket {
        ticket name;
        work what;
        pool_list pools;             // of its own those that there were when it came
        std::uint64_t sequence = 0;  // of arrival
        time_point timeout;          // of the wait
        bool stayed = false;         // waits though it had its chance to start
        bool is_granted = false, is_canceled = false;
        std::uint32_t replica = 0;
    };
    using id = std::pair<std::uint32_t, std::uint32_t>;
    static id key(ticket t) { return {t.slot, t.generation}; }
    static constexpr std::uint32_t most_replicas = 12;

    // ── what a policy's own test adds ──
    virtual void draw_more(domain_spec&) {}
    virtual void draw_more(work&) {}
    virtual void during(const open_ticket&) {}  // an event of one that is in flight
    virtual void scrape(replica_index who) { policy_->on(who, fact::scraped{.running = 3}, now_); }
    // Before the books are changed.
    virtual void examine(const open_ticket&, const granted&) {}
    virtual void examine(const open_ticket&, const refused&) {}
    virtual void examine(const open_ticket&, const event::completed&) {}
    virtual void examine(const open_ticket&, const event::engine_refused&) {}
    virtual void examine_all() {}  // now and then, and when all is over

    static bool failed() { return testing::Test::HasFatalFailure(); }
    std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
    bool chance(std::uint32_t in) { return below(in) == 0; }
    const class_settings& queue(const open_ticket& t) const {
        return spec_.classes[static_cast<std::size_t>(t.what.klass)];
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

    std::mt19937_64 random_;
    time_point now_{1000s};
    domain_spec spec_;
    std::optional<Policy> policy_;
    std::map<id, open_ticket> open_;
    std::uint32_t waiting_ = 0;
    std::map<std::uint32_t, std::uint32_t> in_flight_, pool_of_;  // by replica; the latter listed
    std::map<std::uint32_t, replica_spec> listed_;
    std::map<std::string, std::uint32_t> pools_, replicas_;  // all that there ever were

 private:
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
        draw_more(spec);
        return spec;
    }

    void remember(const admission_policy::indices& indices) {
        listed_.clear();
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
                listed_[index] = spec;
                pool_of_[index] = indices.pools[p].value;
            }
        }
        std::set<std::uint32_t> given;
        for (const auto& [_, number] : replicas_)
            given.insert(number);
        ASSERT_EQ(given.size(), replicas_.size()) << "a number was given to another replica";
    }

    void step() {
        const std::uint32_t what = below(32);
        if (what < 12) return arrive();
        if (what < 18) return complete(false);
        if (what < 20) return complete(true);
        if (what < 22) return in_between();
        if (what < 27) return pass(1ms * below(200));
        switch (what) {
            case 27:
                return cancel();
            case 28:
                return chance(2) ? late_event() : refuse_by_engine();
            case 29:
                return fact();
            case 30:
                return chance(20) ? pass(1ms * below(30'000)) : pass(1us);
            default:
                return chance(20) ? reload() : chance(8) ? recover() : pass(0s);
        }
    }

    void arrive() {
        for (std::uint32_t many = chance(16) ? 1 + below(20) : 1; many > 0; --many) {
            open_ticket t;
            work& w = t.what;
            w.id = sequence_;
            w.klass = static_cast<request_class>(below(num_classes));
            for (std::uint32_t i = 0, n = 1 + below(2); i < n; ++i) {
                const pool_index pool{below(3)};
                if (!w.pools.contains(pool)) w.pools.push(pool);
            }
            for (std::uint32_t i = 0, n = chance(4) ? 1 + below(3) : 0; i < n; ++i)
                w.tried.push({below(most_replicas)});
            w.needs = below(4);
            w.no_queue = chance(10);
            w.arrived = now_;
            if (chance(3)) w.ttft_deadline = now_ + 1ms * below(4000);
            if (chance(5)) w.deadline = now_ + 1ms * below(4000);
            draw_more(w);
            for (const pool_index each : w.pools)
                for (const auto& [_, pool] : pools_)
                    if (each.value == pool) t.pools.push(each);
            t.timeout = now_ + queue(t).timeout;
            t.sequence = sequence_++;
            t.name = policy_->arrive(w, now_);
            highest_slot_ = std::max(highest_slot_, t.name.slot);
            ASSERT_TRUE(open_.emplace(key(t.name), t).second) << "a ticket was given twice";
            ++waiting_;
        }
    }

    void close(open_ticket& t) {
        over_.push_back(t.name);
        if (over_.size() > 64) over_.erase(over_.begin(), over_.begin() + 32);
        --(t.is_granted ? in_flight_[t.replica] : waiting_);
        open_.erase(key(t.name));
    }

    void complete(bool failed) {
        open_ticket* t = any_open(true);
        if (!t) return;
        const ending ends[] = {
            ending::served, ending::client_gone, ending::refused, ending::expired, ending::served
        };
        event::completed told{.end = failed && chance(2) ? ending::upstream_error : ends[below(5)]};
        if (chance(2)) told.used = {below(3000), below(3000), below(500), chance(2), chance(2)};
        if (chance(4)) policy_->on(t->name, event::first_byte{}, now_);
        examine(*t, told);
        policy_->on(t->name, told, now_);
        close(*t);
    }
    void in_between() {
        if (const open_ticket* t = any_open(true)) during(*t);
    }
    void refuse_by_engine() {
        open_ticket* t = any_open(true);
        if (!t) return;
        const event::engine_refused told{1ms * below(1500)};
        examine(*t, told);
        policy_->on(t->name, told, now_);
        close(*t);
    }

    // One that is in flight ends some time later, as every other.
    void cancel() {
        open_ticket* t = any_open(chance(2));
        if (!t) return;
        const cancel_result c = policy_->cancel(t->name, now_);
        ++cancels[static_cast<int>(c.was)];
        if (!t->is_granted) {
            ASSERT_EQ(c.was, cancel_result::state::waiting);
            return close(*t);
        }
        ASSERT_EQ(c.was, cancel_result::state::granted);
        ASSERT_EQ(c.replica.value, t->replica);
        t->is_canceled = true;
    }

    void late_event() {
        if (over_.empty()) return;
        const ticket t = over_[below(static_cast<std::uint32_t>(over_.size()))];
        ASSERT_EQ(policy_->cancel(t, now_).was, cancel_result::state::over);
        ++cancels[static_cast<int>(cancel_result::state::over)];
        policy_->on(t, event::first_byte{}, now_);
        policy_->on(t, event::progress{3}, now_);
        policy_->on(t, event::completed{.end = ending::served}, now_);
        policy_->on(t, event::engine_refused{}, now_);
    }

    void fact() {
        const replica_index who{below(most_replicas + 2)};
        const auto any_state = static_cast<replica_state>(below(5));
        switch (below(3)) {
            case 0:
                return policy_->on(who, fact::probed{!chance(3)}, now_);
            case 1:
                return policy_->on(
                    who, fact::state{chance(3) ? any_state : replica_state::ready}, now_
                );
            case 2:
                return scrape(who);
        }
    }
    void recover() {
        for (std::uint32_t r = 0; r < most_replicas; ++r)
            policy_->on(replica_index{r}, fact::state{replica_state::ready}, now_);
    }

    void reload() {
        spec_ = draw_spec();
        remember(policy_->settings_changed(spec_, now_));
    }

    // Time stops wherever the policy wants to be woken; anywhere before, it has nothing to say.
    void pass(duration span) {
        deliver();
        const time_point until = now_ + span;
        while (policy_->next_wakeup() <= until && !failed()) {
            const time_point wake = policy_->next_wakeup();
            ASSERT_GT(wake, now_) << "woken for nothing";
            nothing_before(wake);
            now_ = wake;
            deliver();
        }
        now_ = until;
    }
    void nothing_before(time_point wake) {
        if (wake - now_ < 2ns) return;
        now_ += duration{1 + random_() % static_cast<std::uint64_t>((wake - now_).count() - 1)};
        verdict_batch batch;
        ASSERT_FALSE(policy_->advance(now_, batch));
        ASSERT_TRUE(batch.empty()) << "it should have asked to be woken sooner";
        ASSERT_EQ(policy_->next_wakeup(), wake);
    }

    void deliver() {
        for (bool more = true; more && !failed();) {
            verdict_batch batch;
            more = policy_->advance(now_, batch);
            ASSERT_TRUE(!more || batch.size == verdict_batch_size);
            for (const verdict& v : batch)
                std::visit([&](const auto& x) { take(x); }, v);
        }
        for (auto& [_, t] : open_)
            t.stayed = !t.is_granted;
    }

    open_ticket* without_verdict(ticket who) {
        const auto at = open_.find(key(who));
        return at == open_.end() || at->second.is_granted ? nullptr : &at->second;
    }

    void take(const granted& g) {
        open_ticket* t = without_verdict(g.who);
        ASSERT_TRUE(t) << "a verdict for nobody, or a second one";
        const std::uint32_t r = g.replica.value;
        ASSERT_TRUE(listed_.count(r)) << "granted a replica that is gone";
        ASSERT_TRUE(t->what.pools.contains({pool_of_[r]}));
        ASSERT_FALSE(t->what.tried.contains(g.replica));
        ASSERT_EQ(listed_[r].offers & t->what.needs, t->what.needs);
        ASSERT_LT(in_flight_[r], listed_[r].slots) << "more than its slots";
        ASSERT_LT(now_, t->what.deadline);
        ASSERT_LE(now_, t->timeout);
        examine(*t, g);
        --waiting_;
        ++in_flight_[r];
        t->is_granted = true;
        t->replica = r;
        ++grants;
        probes += g.probe;
    }

    void take(const refused& r) {
        open_ticket* t = without_verdict(r.who);
        ASSERT_TRUE(t) << "a verdict for nobody, or a second one";
        ASSERT_GE(r.retry_after, spec_.retry_after_min);
        ASSERT_LE(r.retry_after, spec_.retry_after_max);
        ASSERT_TRUE(r.reason != errc::queue_timeout || t->timeout == now_);
        ASSERT_TRUE(r.reason != errc::would_queue || t->what.no_queue);
        examine(*t, r);
        ++refusals[static_cast<std::size_t>(r.reason)];
        close(*t);
    }

    void check() {
        std::uint32_t in_flight = 0;
        for (const auto& [_, count] : in_flight_)
            in_flight += count;
        ASSERT_EQ(policy_->waiting(), waiting_);
        ASSERT_EQ(policy_->in_flight(), in_flight);
        if (!chance(64)) return;
        for (const auto& [_, t] : open_) {
            if (t.is_granted) continue;
            ASSERT_GT(t.timeout, now_) << "waits beyond its time";
            ASSERT_GT(t.what.deadline, now_) << "waits beyond its deadline";
            ASSERT_GT(t.what.ttft_deadline, now_) << "waits beyond its deadline";
            ASSERT_FALSE(t.what.no_queue);
        }
        for (const replica_view& v : policy_->replicas(now_))
            ASSERT_EQ(v.in_flight, in_flight_[v.index.value]);
        examine_all();
    }

    void finish() {
        while (open_ticket* t = failed() ? nullptr : any_open(false)) {
            ASSERT_EQ(policy_->cancel(t->name, now_).was, cancel_result::state::waiting);
            close(*t);
        }
        while (open_ticket* t = failed() ? nullptr : any_open(true)) {
            policy_->on(t->name, event::completed{}, now_);
            close(*t);
        }
        if (failed()) return;
        verdict_batch batch;
        ASSERT_FALSE(policy_->advance(now_, batch));
        EXPECT_TRUE(batch.empty());
        EXPECT_EQ(policy_->in_flight(), 0u);
        EXPECT_EQ(policy_->waiting(), 0u);
        EXPECT_EQ(policy_->next_wakeup(), never);
        for (const replica_view& v : policy_->replicas(now_))
            EXPECT_EQ(v.in_flight, 0u) << v.id;
        examine_all();
    }

    std::uint64_t sequence_ = 0;
    std::uint32_t highest_slot_ = 0;
    std::vector<ticket> over_;
};

}  // namespace penstock::admission
