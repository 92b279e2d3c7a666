// The fairness bounds of reference/routers.md 3.6 (its 6 and 8) whatever happens: requests that any
// replica may have, so that nothing but the order decides who is next. Fixed seeds.
#include "policies/admission/little.hpp"
#include "policies/chaos.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace penstock::admission {
namespace {

constexpr std::uint32_t num_tenants = 4;
constexpr std::uint32_t most_prompt = 1500, most_output = 400;
constexpr std::uint32_t most_slots = 6;  // of each replica
constexpr double most_spent = 4000;      // of a request, whatever was expected: as chaos_of draws

class fair_chaos final : public chaos_of<little> {
 public:
    using chaos_of::chaos_of;
    std::uint64_t between_tenants = 0, between_classes = 0;  // comparisons that were made

 private:
    static constexpr double infinity = std::numeric_limits<double>::infinity();
    static constexpr std::size_t realtime = 0, bulk = 1;

    // ── what is drawn ──
    void draw_more(domain_spec& spec) override {
        spec.pools.resize(1);
        for (class_settings& each : spec.classes)
            each = {.pending = 60, .timeout = 1h, .concurrency = 512, .ttft = 1h, .tpot = 0s};
        spec.classes[bulk].floor = floor_;
        spec.pools[0].replicas.resize(1 + below(4));
        for (std::size_t r = 0; r < spec.pools[0].replicas.size(); ++r) {
            replica_spec& each = spec.pools[0].replicas[r];
            each = {.id = "p0/" + std::to_string(r), .slots = 2 + below(most_slots - 1)};
        }
    }
    void draw_more(work& w) override {
        w = {.id = w.id, .klass = w.klass, .arrived = w.arrived};
        w.pools.push({0});
        w.tenant = {below(num_tenants)};
        w.streamed = true;
        w.prompt_tokens = 1 + below(most_prompt);
        w.output_expected = below(most_output);
        // Who comes back begins where the others are, and owes and is owed nothing from before.
        const auto waits = count_waiting()[static_cast<std::size_t>(w.klass)];
        if (waits[w.tenant.value] == 0)
            for (std::uint32_t other = 0; other < num_tenants; ++other)
                ahead(w.klass, w.tenant.value, other) = ahead(w.klass, other, w.tenant.value) =
                    -infinity;
        if (!is_any(waits)) least_lag_ = infinity;
    }

    // ── the books ──
    struct account {
        double charged = 0;  // weighted tokens since the beginning
        // By tenant: by how much it was ahead of that one, at most, when it was served and that
        // one waited, since both wait.
        std::array<double, num_tenants> ahead{-infinity, -infinity, -infinity, -infinity};
    };
    account& of(request_class klass, std::uint32_t tenant) {
        return accounts_[static_cast<std::size_t>(klass)][tenant];
    }
    double& ahead(request_class klass, std::uint32_t tenant, std::uint32_t other) {
        return of(klass, tenant).ahead[other];
    }
    using waiting = std::array<std::array<std::uint32_t, num_tenants>, num_classes>;
    waiting count_waiting() const {
        waiting now{};
        for (const auto& [_, t] : open_)
            if (!t.is_granted) ++now[static_cast<std::size_t>(t.what.klass)][t.what.tenant.value];
        return now;
    }
    static bool is_any(const std::array<std::uint32_t, num_tenants>& waiting) {
        return std::any_of(waiting.begin(), waiting.end(), [](std::uint32_t n) { return n > 0; });
    }
    static double weighted(double prompt, double output) {
        return tuning{}.input_weight * prompt + tuning{}.output_weight * output;
    }
    static double price(const work& w) { return weighted(w.prompt_tokens, w.output_expected); }
    void charge(const work& w, double tokens) { of(w.klass, w.tenant.value).charged += tokens; }

    // What bulk was served less than its floor gives it.
    double lag() const {
        double charged[2] = {};
        for (const std::size_t klass : {realtime, bulk})
            for (const account& each : accounts_[klass])
                charged[klass] += each.charged;
        return charged[realtime] * floor_ / (1 - floor_) - charged[bulk];
    }

    // ── what is checked ──
    // While two tenants wait, the policy's own counts of them differ from these books by one number
    // that nobody here knows. By its counts who is served is not ahead of one that waits; so what
    // each of two was ahead of the other when it was served cannot add up to more than nothing.
    void examine(const open_ticket& t, const granted&) override {
        const work& w = t.what;
        const std::uint32_t tenant = w.tenant.value;
        const waiting waits = count_waiting();
        for (std::uint32_t other = 0; other < num_tenants; ++other) {
            if (other == tenant || waits[static_cast<std::size_t>(w.klass)][other] == 0) continue;
            double& most = ahead(w.klass, tenant, other);
            most = std::max(most, of(w.klass, tenant).charged - of(w.klass, other).charged);
            ASSERT_LE(most + ahead(w.klass, other, tenant), 0) << "served out of turn";
            ++between_tenants;
        }
        if (w.klass == request_class::realtime && is_any(waits[bulk])) {
            least_lag_ = std::min(least_lag_, lag());
            // Its next request, and what a replica's requests cost more than was expected of them.
            const double most = weighted(most_prompt, most_output) + most_slots * most_spent;
            ASSERT_LE(lag() - least_lag_, most) << "bulk is denied its floor";
            ++between_classes;
        }
        charge(w, price(w));
    }
    void examine(const open_ticket& t, const event::completed& told) override {
        const usage& used = told.used;
        const auto uncached = static_cast<double>(used.prompt - std::min(used.cached, used.prompt));
        if (used.known || used.estimated)
            charge(t.what, weighted(uncached, static_cast<double>(used.output)) - price(t.what));
        else if (told.end != ending::served)
            charge(t.what, -price(t.what));
    }
    void examine(const open_ticket& t, const event::engine_refused&) override {
        charge(t.what, -price(t.what));
    }
    using chaos_of::examine;

    const double floor_ = 0.05 * (1 + below(8));
    std::array<std::array<account, num_tenants>, num_classes> accounts_;
    double least_lag_ = infinity;  // while both classes wait
};

class little_fair_chaos : public testing::TestWithParam<std::uint64_t> {};

TEST_P(little_fair_chaos, serves_nobody_out_of_turn_and_keeps_the_floor_of_bulk) {
    fair_chaos c{GetParam()};
    c.run(chaotic_events);
    EXPECT_GT(c.between_tenants, chaotic_events / 20u);
    EXPECT_GT(c.between_classes, chaotic_events / 50u);
}

INSTANTIATE_TEST_SUITE_P(seeds, little_fair_chaos, testing::Values(1, 2, 3));

}  // namespace
}  // namespace penstock::admission
