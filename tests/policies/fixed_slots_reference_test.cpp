// Admission by fixed slots against the obvious way to write it: one list, searched from its head.
#include "policies/admission_driver.hpp"

#include <gtest/gtest.h>

#include <random>

namespace penstock::admission {
namespace {

#ifdef __OPTIMIZE__
constexpr int num_steps = 60'000;
#else
constexpr int num_steps = 6'000;
#endif

struct waiter {
    ticket name;
    work what;
    time_point expires;
    bool own_deadline = false, judged = false;
};

// All replicas are up all the time. It follows the policy's own choice among equally loaded ones.
class reference {
 public:
    explicit reference(const domain_spec& spec) : spec_(spec) {
        std::uint32_t next = 0;
        for (const pool_spec& pool : spec.pools) {
            first_.push_back(next);
            next += static_cast<std::uint32_t>(pool.replicas.size());
            for (const replica_spec& r : pool.replicas)
                slots_.push_back(r.slots);
        }
        first_.push_back(next);
        in_flight_.resize(next);
    }

    void arrive(ticket name, const work& w, time_point now) {
        const time_point own = std::min(w.ttft_deadline, w.deadline);
        const time_point timeout = now + queue(w).timeout;
        line_.push_back({name, w, std::min(own, timeout), own <= timeout});
    }
    bool cancel(ticket name) {
        return std::erase_if(line_, [&](const waiter& w) { return w.name == name; }) > 0;
    }
    void end(std::uint32_t replica) { --in_flight_[replica]; }

    // What must come out of one advance: expired ones in any order, then grants in this very order,
    // then those that may not wait, in order of arrival.
    void follow(const std::vector<verdict>& said, time_point now) {
        std::size_t i = expire(said, now);
        for (;; ++i) {
            const auto next = next_grant();
            if (next == line_.end()) break;
            ASSERT_LT(i, said.size()) << "a grant is missing";
            const auto* g = std::get_if<granted>(&said[i]);
            ASSERT_TRUE(g) << "a refusal instead of a grant";
            ASSERT_EQ(g->who, next->name) << "another ticket was served first";
            ASSERT_TRUE(is_least_loaded(*next, g->replica.value));
            ++in_flight_[g->replica.value];
            line_.erase(next);
        }
        for (auto w = line_.begin(); w != line_.end();) {
            const errc reason = judge(*w, now);
            if (reason == errc::count_) {
                ++w;
                continue;
            }
            ASSERT_LT(i, said.size()) << "a refusal is missing";
            const auto* r = std::get_if<refused>(&said[i++]);
            ASSERT_TRUE(r && r->who == w->name);
            ASSERT_EQ(r->reason, reason);
            w = line_.erase(w);
        }
        ASSERT_EQ(i, said.size()) << "more was said than there was to say";
    }

    std::size_t waiting() const { return line_.size(); }

 private:
    const class_settings& queue(const work& w) const {
        return spec_.classes[static_cast<std::size_t>(w.klass)];
    }
    bool may_use(const waiter& w, std::uint32_t pool, std::uint32_t r) const {
        return r >= first_[pool] && r < first_[pool + 1] && !w.what.tried.contains({r}) &&
               in_flight_[r] < slots_[r];
    }
    bool is_open(const waiter& w, pool_index p) const {
        if (p == w.what.pools.items[0]) return true;
        double used = 0, slots = 0;
        for (std::uint32_t r = first_[p.value]; r < first_[p.value + 1]; ++r) {
            used += in_flight_[r];
            slots += slots_[r];
        }
        return used < spec_.spill_below * slots;
    }
    int pool_for(const waiter& w) const {
        for (const pool_index p : w.what.pools)
            for (std::uint32_t r = 0; r < slots_.size(); ++r)
                if (is_open(w, p) && may_use(w, p.value, r)) return static_cast<int>(p.value);
        return -1;
    }
    std::vector<waiter>::iterator next_grant() {
        for (const auto klass : {request_class::realtime, request_class::bulk})
            for (auto w = line_.begin(); w != line_.end(); ++w)
                if (w->what.klass == klass && pool_for(*w) >= 0) return w;
        return line_.end();
    }
    bool is_least_loaded(const waiter& w, std::uint32_t chosen) const {
        const auto pool = static_cast<std::uint32_t>(pool_for(w));
        if (!may_use(w, pool, chosen)) return false;
        const auto share = [&](std::uint32_t r) { return 1.0 * in_flight_[r] / slots_[r]; };
        for (std::uint32_t r = 0; r < slots_.size(); ++r)
            if (may_use(w, pool, r) && share(r) < share(chosen) - 1e-12) return false;
        return true;
    }
    std::size_t expire(const std::vector<verdict>& said, time_point now) {
        std::size_t expired = 0;
        const auto out = [&](const waiter& w) { return w.judged && w.expires <= now; };
        for (; std::any_of(line_.begin(), line_.end(), out); ++expired) {
            const auto* r = expired < said.size() ? std::get_if<refused>(&said[expired]) : nullptr;
            const auto w = std::find_if(line_.begin(), line_.end(), [&](const waiter& each) {
                return r && each.name == r->who;
            });
            EXPECT_TRUE(w != line_.end() && out(*w)) << "somebody should have expired first";
            if (w == line_.end()) break;
            EXPECT_EQ(r->reason, w->own_deadline ? errc::deadline_spent : errc::queue_timeout);
            line_.erase(w);
        }
        return expired;
    }
    errc judge(waiter& w, time_point now) {
        if (w.judged) return errc::count_;
        if (w.what.no_queue) return errc::would_queue;
        const auto queued = std::count_if(line_.begin(), line_.end(), [&](const waiter& each) {
            return each.judged && each.what.klass == w.what.klass;
        });
        if (queued >= queue(w.what).pending) return errc::queue_full;
        if (w.expires <= now) return errc::queue_timeout;
        w.judged = true;
        return errc::count_;
    }

    domain_spec spec_;
    std::vector<std::uint32_t> first_, slots_, in_flight_;
    std::vector<waiter> line_;
};

class fixed_slots_reference : public testing::TestWithParam<std::uint64_t> {};

TEST_P(fixed_slots_reference, agrees_on_every_verdict) {
    std::mt19937_64 random{GetParam()};
    const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
    domain_spec spec = spec_of({{2, 3, 2}, {4, 1}, {2}});
    spec.classes[0] = {.pending = 12, .timeout = 2s};
    spec.classes[1] = {.pending = 20, .timeout = 6s};
    driver d{spec};
    reference obvious{spec};
    std::vector<std::pair<ticket, std::uint32_t>> running;
    std::vector<ticket> arrived;
    std::uint64_t num_granted = 0;

    for (int step = 0; step < num_steps; ++step) {
        d.now += 1ms * below(300);
        for (std::uint32_t burst = below(8) == 0 ? 1 + below(30) : below(2); burst > 0; --burst) {
            work w = work_for({below(3)});
            const pool_index second{below(3)};
            if (below(3) == 0 && !w.pools.contains(second)) w.pools.push(second);
            if (below(5) == 0 && w.pools.contains({0})) w.tried.push({below(3)});
            w.klass = static_cast<request_class>(below(2));
            w.no_queue = below(12) == 0;
            if (below(4) == 0) w.ttft_deadline = d.now + 1ms * (1 + below(3000));
            arrived.push_back(d.arrive(w));
            obvious.arrive(arrived.back(), w, d.now);
        }
        if (!running.empty() && below(2) == 0) {
            const std::size_t i = below(static_cast<std::uint32_t>(running.size()));
            d.end(running[i].first);
            obvious.end(running[i].second);
            running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
        }
        if (!arrived.empty() && below(6) == 0) {
            const ticket t = arrived[below(static_cast<std::uint32_t>(arrived.size()))];
            const bool its_running = std::any_of(running.begin(), running.end(), [&](auto& each) {
                return each.first == t;
            });
            const bool waited =
                !its_running && d.policy.cancel(t, d.now).was == cancel_result::state::waiting;
            ASSERT_EQ(waited, obvious.cancel(t));
        }
        const std::vector<verdict> said = d.advance();
        ASSERT_NO_FATAL_FAILURE(obvious.follow(said, d.now));
        ASSERT_EQ(d.policy.waiting(), obvious.waiting());
        for (const verdict& v : said)
            if (const auto* g = std::get_if<granted>(&v)) {
                running.emplace_back(g->who, g->replica.value);
                ++num_granted;
            }
        if (arrived.size() > 200) arrived.erase(arrived.begin(), arrived.begin() + 100);
    }
    EXPECT_GT(num_granted, num_steps / 4u);
}

INSTANTIATE_TEST_SUITE_P(seeds, fixed_slots_reference, testing::Values(11, 12, 13));

}  // namespace
}  // namespace penstock::admission
