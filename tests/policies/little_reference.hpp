// The obvious way to write admission by Little's law: one list, searched from its head, and counts
// that are summed anew. Rates and limits are learned: those are taken from `explain`.
#pragma once

#include "policies/admission/little.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <tuple>
#include <vector>

namespace penstock::admission {

using namespace std::chrono_literals;

struct waiter {
    ticket name;
    work what;
    std::uint64_t sequence = 0;
    time_point timeout, due;
    bool judged = false;
    std::uint64_t aside = 0;  // when it was passed over; 0: it was not
    bool lacks_room = false;  // … for nothing but the room for its tokens
};
struct runner {
    ticket name;
    work what;
    std::uint32_t replica = 0;
    double charged = 0;
    bool is_read = false;
};

// All replicas are up all the time, all answers are streamed, no prompt is held.
class reference {
 public:
    explicit reference(const domain_spec& spec) : spec_(spec) {
        std::uint32_t next = 0;
        for (const pool_spec& pool : spec.pools) {
            first_.push_back(next);
            next += static_cast<std::uint32_t>(pool.replicas.size());
            for (const replica_spec& r : pool.replicas)
                replicas_.push_back(r);
        }
        first_.push_back(next);
    }

    void arrive(ticket name, const work& w, time_point now) {
        waiter t{.name = name, .what = w, .sequence = ++clock_, .timeout = now + of(w).timeout};
        t.due = std::min(t.timeout, w.deadline);
        const bool is_first = ahead(pool_of(w), w.klass) == 0;
        double& owed = owed_[pool_of(w)];
        if (is_first)
            owed = w.klass == request_class::bulk ? std::min(owed, 0.0) : std::max(owed, 0.0);
        const bool is_back = std::none_of(line_.begin(), line_.end(), [&](const waiter& each) {
            return each.aside == 0 && flow_of(each.what) == flow_of(w);
        });
        double& served = served_[flow_of(w)];
        if (is_back) served = std::max(served, level_[{pool_of(w), w.klass}]);
        line_.push_back(t);
    }
    bool cancel(ticket name) {
        return std::erase_if(line_, [&](const waiter& w) { return w.name == name; }) > 0;
    }
    runner& running(std::size_t i) { return running_[i]; }
    std::size_t num_running() const { return running_.size(); }
    std::size_t waiting() const { return line_.size(); }
    void end(std::size_t i, const usage& used) {
        const runner& r = running_[i];
        if (used.known)
            charge(r.what, static_cast<double>(used.prompt + 2 * used.output) - r.charged);
        running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    void learn(const prediction& p) {
        for (const prediction::candidate& c : p.candidates)
            learned_[c.replica.value] = c;
    }

    // What must come out of one advance: those whose time is over, in any order, then grants in
    // this very order, then those that may not wait in order of arrival, and whom they make room
    // for.
    void follow(const std::vector<verdict>& said, time_point now) {
        said_ = said;
        at_ = 0;
        now_ = now;
        ASSERT_NO_FATAL_FAILURE(expire());
        for (bool more = true; more;) {
            more = false;
            for (std::uint32_t pool = 0; pool + 1 < first_.size(); ++pool)
                while (serve(pool)) {
                    if (testing::Test::HasFatalFailure()) return;
                    more = true;
                }
            const std::size_t before = at_;
            ASSERT_NO_FATAL_FAILURE(judge());
            more |= at_ > before;
        }
        ASSERT_EQ(at_, said_.size()) << "more was said than there was to say";
    }

 private:
    using iterator = std::vector<waiter>::iterator;
    using flow = std::tuple<std::uint32_t, request_class, std::uint32_t>;
    static std::uint32_t pool_of(const work& w) { return w.pools.items[0].value; }
    static flow flow_of(const work& w) { return {pool_of(w), w.klass, w.tenant.value}; }
    const class_settings& of(const work& w) const {
        return spec_.classes[static_cast<std::size_t>(w.klass)];
    }
    std::size_t ahead(std::uint32_t pool, request_class klass) const {
        return static_cast<std::size_t>(std::count_if(
            line_.begin(),
            line_.end(),
            [&](const waiter& w) { return pool_of(w.what) == pool && w.what.klass == klass; }
        ));
    }

    // ── replicas ──
    static double kv_of(const work& w) { return 1.0 * w.prompt_tokens + w.output_expected; }
    static double cost_of(const work& w) { return 1.0 * w.prompt_tokens + how.prompt_overhead; }
    double sum(std::uint32_t replica, double (*what)(const runner&)) const {
        double total = 0;
        for (const runner& r : running_)
            if (r.replica == replica) total += what(r);
        return total;
    }
    double in_flight(std::uint32_t r) const {
        return sum(r, [](const runner&) { return 1.0; });
    }
    double backlog(std::uint32_t r) const {
        return sum(r, [](const runner& x) { return x.is_read ? 0 : cost_of(x.what); });
    }
    double unread(std::uint32_t r) const {
        return sum(r, [](const runner& x) { return x.is_read ? 0.0 : x.what.prompt_tokens; });
    }
    bool is_ready(std::uint32_t r, request_class as) const {
        const double limit = learned_.at(r).slots, rate = learned_.at(r).prefill_rate;
        const double reserve = as == request_class::bulk && limit > 1 ? 1 : 0;
        const bool reads_soon = unread(r) < 2048 || backlog(r) < 0.25 * rate;
        return in_flight(r) + reserve < limit && reads_soon;
    }
    bool has_room(std::uint32_t r, const work& w) const {
        if (replicas_[r].kv_tokens == 0 || in_flight(r) == 0) return true;
        const double promised = sum(r, [](const runner& x) { return kv_of(x.what); });
        return promised + kv_of(w) <= 0.9 * static_cast<double>(replicas_[r].kv_tokens);
    }
    double score(std::uint32_t r, const work& w) const {
        return (backlog(r) + cost_of(w)) / learned_.at(r).prefill_rate +
               1e-3 * in_flight(r) / learned_.at(r).slots;
    }
    bool is_idle(std::uint32_t pool) const {
        double used = 0, slots = 0;
        for (std::uint32_t r = first_[pool]; r < first_[pool + 1]; ++r)
            used += in_flight(r), slots += replicas_[r].slots;
        return used / slots < 0.5 && ahead(pool, request_class::realtime) == 0 &&
               ahead(pool, request_class::bulk) == 0;
    }
    struct place {
        std::set<std::uint32_t> best;
        bool odd = false, lacks_room = false;
    };
    place find(const work& w, request_class as) const {
        place found;
        for (const pool_index each : w.pools) {
            const std::uint32_t pool = each.value;
            if (!found.best.empty()) break;
            if (pool != pool_of(w) && !is_idle(pool)) continue;
            std::set<std::uint32_t> usable;
            bool any_ready = false, full = false, all_known = true;
            for (std::uint32_t r = first_[pool]; r < first_[pool + 1]; ++r) {
                if (!is_ready(r, as)) continue;
                any_ready = true;
                if (w.tried.contains({r})) continue;
                full |= !has_room(r, w);
                if (!has_room(r, w)) continue;
                usable.insert(r);
                all_known &= learned_.at(r).prefill_rate > 0;
            }
            found.lacks_room |= full;
            found.odd |= any_ready && usable.empty() && !full;
            double least = 1e30;
            for (const std::uint32_t r : usable)
                if (all_known) least = std::min(least, score(r, w));
            for (const std::uint32_t r : usable)
                if (!all_known || score(r, w) < least + 1e-9) found.best.insert(r);
        }
        return found;
    }

    // ── who is next ──
    void charge(const work& w, double tokens) {
        served_[flow_of(w)] += tokens;
        const double floor = spec_.classes[1].floor;
        owed_[pool_of(w)] +=
            w.klass == request_class::bulk ? -tokens : tokens * floor / (1 - floor);
    }
    double price_of_first(std::uint32_t pool) {
        auto first = line_.end();
        for (auto w = line_.begin(); w != line_.end(); ++w)
            if (pool_of(w->what) == pool && w->what.klass == request_class::bulk && w->aside)
                if (first == line_.end() || w->aside < first->aside) first = w;
        if (first == line_.end()) first = next(pool, request_class::bulk);
        return 1.0 * first->what.prompt_tokens + 2.0 * first->what.output_expected;
    }
    bool serve(std::uint32_t pool) {
        using enum request_class;
        const bool is_due = ahead(pool, bulk) > 0 && owed_[pool] >= price_of_first(pool);
        if (is_due && serve(pool, bulk, realtime)) return true;
        if (serve(pool, realtime, realtime)) return true;
        // Its target is nothing or without end in these tests.
        const bool may_go = ahead(pool, realtime) == 0 || spec_.classes[0].ttft > 0s;
        return !is_due && may_go && serve(pool, bulk, bulk);
    }
    bool serve(std::uint32_t pool, request_class klass, request_class as) {
        const auto running = std::count_if(running_.begin(), running_.end(), [&](const runner& r) {
            return r.what.klass == klass;
        });
        if (running >= spec_.classes[static_cast<std::size_t>(klass)].concurrency) return false;
        std::map<std::uint64_t, iterator> passed;
        for (auto w = line_.begin(); w != line_.end(); ++w)
            if (pool_of(w->what) == pool && w->what.klass == klass && w->aside)
                passed[w->aside] = w;
        auto first = line_.end();
        for (const auto& [_, w] : passed)
            if (!find(w->what, as).best.empty() &&
                (first == line_.end() || turn(*w) < turn(*first)))
                first = w;
        if (first != line_.end()) return grant(first, find(first->what, as));
        // One that has tried all is told when its turn comes.
        for (;;) {
            const auto w = next(pool, klass);
            if (w == line_.end()) return false;
            const place where = find(w->what, as);
            if (!where.best.empty()) return grant(w, where);
            if (!has_untried(w->what)) return refuse(w);
            const bool for_room = where.lacks_room && !where.odd;
            const auto lack_room = std::count_if(passed.begin(), passed.end(), [](const auto& p) {
                return p.second->lacks_room;
            });
            if (for_room ? lack_room >= 8 : !where.odd) return false;
            w->aside = ++clock_;
            w->lacks_room = for_room;
            passed[w->aside] = w;
        }
    }
    std::tuple<double, time_point, std::uint64_t> turn(const waiter& w) {
        return std::tuple(served_[flow_of(w.what)], w.due, w.sequence);
    }
    iterator next(std::uint32_t pool, request_class klass) {
        auto best = line_.end();
        for (auto w = line_.begin(); w != line_.end(); ++w)
            if (pool_of(w->what) == pool && w->what.klass == klass && !w->aside)
                if (best == line_.end() || turn(*w) < turn(*best)) best = w;
        return best;
    }
    bool grant(iterator w, const place& where) {
        const auto check = [&] {
            ASSERT_LT(at_, said_.size()) << "a grant is missing";
            const auto* g = std::get_if<granted>(&said_[at_]);
            ASSERT_TRUE(g) << "a refusal instead of a grant";
            ASSERT_EQ(g->who, w->name) << "another ticket was served first";
            ASSERT_TRUE(where.best.contains(g->replica.value)) << "another replica is better";
        };
        check();
        if (testing::Test::HasFatalFailure()) return true;
        const work& what = w->what;
        double& level = level_[{pool_of(what), what.klass}];
        if (!w->aside) level = std::max(level, served_[flow_of(what)]);
        const double charged = what.prompt_tokens + 2.0 * what.output_expected;
        charge(what, charged);
        running_.push_back({w->name, what, std::get<granted>(said_[at_++]).replica.value, charged});
        line_.erase(w);
        return true;
    }

    bool refuse(iterator w) {
        const auto check = [&] {
            const auto* r = at_ < said_.size() ? std::get_if<refused>(&said_[at_]) : nullptr;
            ASSERT_TRUE(r && r->who == w->name) << "a refusal is missing";
            ASSERT_EQ(r->reason, errc::no_replica);
        };
        check();
        ++at_;
        line_.erase(w);
        return true;
    }

    // ── who goes ──
    void expire() {
        const auto out = [&](const waiter& w) { return w.judged && w.due <= now_; };
        for (; std::any_of(line_.begin(), line_.end(), out); ++at_) {
            const auto* r = at_ < said_.size() ? std::get_if<refused>(&said_[at_]) : nullptr;
            const auto w = std::find_if(line_.begin(), line_.end(), [&](const waiter& each) {
                return r && each.name == r->who;
            });
            ASSERT_TRUE(w != line_.end() && out(*w)) << "somebody should have expired first";
            const bool its_own = w->what.deadline <= w->timeout;
            ASSERT_EQ(r->reason, its_own ? errc::deadline_spent : errc::queue_timeout);
            line_.erase(w);
        }
    }
    bool has_untried(const work& w) const {
        for (const pool_index pool : w.pools)
            for (std::uint32_t r = first_[pool.value]; r < first_[pool.value + 1]; ++r)
                if (!w.tried.contains({r})) return true;
        return false;
    }
    void judge() {
        for (auto w = line_.begin(); w != line_.end();) {
            const auto* r = at_ < said_.size() ? std::get_if<refused>(&said_[at_]) : nullptr;
            const errc reason = w->judged ? errc::count_ : judge(*w, r);
            if (reason == errc::count_) {
                w->judged = true;
                ++w;
                continue;
            }
            ASSERT_TRUE(r && r->who == w->name) << "a refusal is missing";
            ASSERT_EQ(r->reason, reason);
            ++at_;
            w = line_.erase(w);
        }
    }
    // The length of a wait is learned too: the policy is believed when it says how long.
    errc judge(const waiter& w, const refused* said) const {
        if (!has_untried(w.what)) return errc::no_replica;
        if (w.what.deadline <= now_) return errc::deadline_spent;
        if (w.what.no_queue) return errc::would_queue;
        const auto queued = std::count_if(line_.begin(), line_.end(), [&](const waiter& each) {
            return each.judged && each.what.klass == w.what.klass;
        });
        if (queued >= of(w.what).pending) return errc::queue_full;
        const bool too_long = said && said->who == w.name && said->reason == errc::wait_too_long &&
                              0.5 * seconds(said->wait) >= seconds(w.due - now_) - 1e-6;
        return too_long ? errc::wait_too_long : errc::count_;
    }

    static constexpr tuning how{};
    domain_spec spec_;
    std::vector<std::uint32_t> first_;
    std::vector<replica_spec> replicas_;
    std::map<std::uint32_t, prediction::candidate> learned_;
    std::vector<waiter> line_;
    std::vector<runner> running_;
    std::map<flow, double> served_;
    std::map<std::pair<std::uint32_t, request_class>, double> level_;
    std::map<std::uint32_t, double> owed_;
    std::uint64_t clock_ = 0;
    std::vector<verdict> said_;
    std::size_t at_ = 0;
    time_point now_{};
};

}  // namespace penstock::admission
