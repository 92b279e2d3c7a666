// What holds of every plan, whatever arrives, is cancelled and ends.
#include "scheduled.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace penstock::worker {
namespace {

using test::arrival;
using test::scheduled;

// Who came, kept apart from the scheduler and obvious.
struct known {
    arrival what;
    std::uint64_t order = 0;
    std::uint32_t num_overtakes = 0;
    bool let_in = false, has_first = false;
};

class storm {
 public:
    storm(std::uint32_t seed, const scheduler_options& options, std::uint32_t num_pages)
        : random_(seed), options_(options), num_pages_(num_pages), s_(options, num_pages) {}

    void arrive() {
        arrival what;
        what.traffic_class = below(3) == 0 ? request_class::bulk : request_class::realtime;
        const std::uint32_t most = std::min(num_pages_, 1 + below(12)) * page_size;
        what.num_prompt = 1 + below(most);
        what.max_tokens = 1 + below(std::min(most - what.num_prompt + 1, 150u));
        what.first_token = static_cast<token_id>(100'000 * below(4));
        known_[s_.add(what)] = {what, num_arrived_++};
    }
    void cancel_one() {
        if (known_.empty()) return;
        auto at = known_.begin();
        std::advance(at, below(static_cast<std::uint32_t>(known_.size())));
        ASSERT_TRUE(s_.plans.remove(at->first));
        known_.erase(at);
    }
    void step() {
        s_.now += std::chrono::milliseconds(below(40));
        s_.plan();
        check_budget();
        check_order();
        check_parts();
        note_overtakes();
        for (const step_part& part : s_.last_plan().parts)
            if (part.samples) known_[part.who->id].has_first = true;
        s_.commit();
        for (; num_finished_ < s_.finished.size(); ++num_finished_)
            ASSERT_EQ(known_.erase(s_.finished[num_finished_]), 1u);
    }
    std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
    bool done() const { return known_.empty(); }
    const scheduled& scheduled_ones() const { return s_; }

 private:
    void check_budget() {
        const step_plan& plan = s_.last_plan();
        std::uint32_t rows = 0;
        for (const step_part& part : plan.parts)
            rows += part.num_rows;
        ASSERT_EQ(rows, plan.num_rows);
        ASSERT_LE(rows, options_.max_step_tokens);
        ASSERT_LE(plan.parts.size(), s_.plans.num_slots());
        ASSERT_EQ(plan.parts.empty(), known_.empty()) << "no progress";
        ASSERT_LE(s_.plans.num_promised(), s_.pages.num_available());
    }
    // Decodes of realtime, of bulk, prompts of realtime and aged bulk, prompts of bulk.
    void check_order() {
        int before = 0;
        for (const step_part& part : s_.last_plan().parts) {
            const sequence& q = *part.who;
            const bool is_bulk = q.traffic_class == request_class::bulk;
            const bool is_aged = s_.now >= q.arrived + options_.max_bulk_age;
            const int place = q.has_first_token() ? is_bulk : 2 + (is_bulk && !is_aged);
            ASSERT_LE(before, place);
            before = place;
        }
    }
    void check_parts() {
        std::set<generation_id> in_step;
        std::map<page_id, int> written;
        for (const step_part& part : s_.last_plan().parts) {
            const sequence& q = *part.who;
            const std::uint32_t end = q.num_computed + part.num_rows;
            ASSERT_TRUE(in_step.insert(q.id).second);
            ASSERT_TRUE(known_.contains(q.id));
            ASSERT_GE(part.num_rows, 1u);
            ASSERT_LE(end, q.tokens.size());
            ASSERT_EQ(part.samples, end == q.tokens.size());
            ASSERT_TRUE(part.samples || end % page_size == 0);
            ASSERT_GE(q.pages.capacity(), end);
            for (std::uint32_t at = q.num_computed / page_size; at * page_size < end; ++at)
                ASSERT_EQ(++written[q.pages.ids()[at]], 1) << "two write to one page";
        }
        for (const auto& [id, k] : known_)
            ASSERT_TRUE(!k.has_first || in_step.contains(id)) << "a decode was left out";
    }
    // Whoever was let in passed those of its class that came earlier and still wait.
    void note_overtakes() {
        for (const step_part& part : s_.last_plan().parts) {
            known& k = known_[part.who->id];
            if (std::exchange(k.let_in, true)) continue;
            for (auto& [id, other] : known_) {
                const bool same = other.what.traffic_class == k.what.traffic_class;
                if (!same || other.order > k.order || is_in_step(id) || other.let_in) continue;
                ASSERT_LE(++other.num_overtakes, options_.max_overtakes);
            }
        }
    }
    bool is_in_step(generation_id id) const {
        return std::ranges::any_of(s_.last_plan().parts, [id](const step_part& part) {
            return part.who->id == id;
        });
    }

    std::mt19937 random_;
    scheduler_options options_;
    std::uint32_t num_pages_;
    scheduled s_;
    std::map<generation_id, known> known_;
    std::uint64_t num_arrived_ = 0;
    std::size_t num_finished_ = 0;
};

void run_storm(std::uint32_t seed) {
    std::mt19937 random(seed);
    scheduler_options options;
    options.max_sequences = 1 + random() % 20;
    options.max_step_tokens = page_size + random() % 400;
    options.max_bulk_age = std::chrono::milliseconds(random() % 2000);
    options.bulk_reserve = static_cast<double>(random() % 6) / 10;
    options.max_overtakes = random() % 5;
    storm s(seed, options, 2 + random() % 40);
    for (int i = 0; i < 250; ++i) {
        for (std::uint32_t n = s.below(3); n > 0; --n)
            s.arrive();
        if (s.below(6) == 0) {
            ASSERT_NO_FATAL_FAILURE(s.cancel_one());
        }
        ASSERT_NO_FATAL_FAILURE(s.step()) << "step " << i;
    }
    for (int i = 0; i < 200'000 && !s.done(); ++i)
        ASSERT_NO_FATAL_FAILURE(s.step());
    EXPECT_TRUE(s.done()) << "somebody starves";
    EXPECT_TRUE(s.scheduled_ones().plans.empty());
    EXPECT_EQ(s.scheduled_ones().plans.num_promised(), 0u);
    EXPECT_EQ(s.scheduled_ones().pages.counts().used, 0u);
}

TEST(scheduler, keeps_its_promises_in_any_storm) {
    for (std::uint32_t seed = 0; seed < 60; ++seed)
        ASSERT_NO_FATAL_FAILURE(run_storm(seed)) << "seed " << seed;
}

// Small ones of realtime keep coming, more than fit; a large one of bulk needs everything.
TEST(scheduler, starves_nobody_under_a_load_that_never_ends) {
    scheduled s({.max_sequences = 8, .max_bulk_age = std::chrono::seconds(1)}, 20);
    for (int i = 0; i < 30; ++i)
        s.add({.num_prompt = 50, .max_tokens = 30});
    const auto large =
        s.add({.traffic_class = request_class::bulk, .num_prompt = 20 * page_size, .max_tokens = 1}
        );
    std::uint32_t steps = 0;
    for (; steps < 2000 && std::ranges::find(s.finished, large) == s.finished.end(); ++steps) {
        s.add({.num_prompt = 50, .max_tokens = 30});
        s.now += std::chrono::milliseconds(10);
        s.step();
    }
    EXPECT_LT(steps, 500u);
}

}  // namespace
}  // namespace penstock::worker
