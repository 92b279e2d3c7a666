// What holds of admission by fixed slots whatever happens, over random interleavings of everything
// that a gateway can do. Fixed seeds.
#include "policies/chaos.hpp"

namespace penstock::admission {
namespace {

#ifdef __OPTIMIZE__
constexpr int events_each = 250'000;
#else
constexpr int events_each = 10'000;
#endif

class chaos final : public chaos_of<fixed_slots> {
 public:
    using chaos_of::chaos_of;

 private:
    static bool share_a_lane(const work& a, const work& b) {
        const auto same = [](const auto& x, const auto& y) {
            return std::equal(x.begin(), x.end(), y.begin(), y.end());
        };
        return a.klass == b.klass && a.needs == b.needs && same(a.pools, b.pools) &&
               same(a.tried, b.tried);
    }
    void examine(const open_ticket& t, const granted&) override {
        ASSERT_LT(now_, t.what.ttft_deadline);
        for (const auto& [_, other] : open_)
            ASSERT_FALSE(
                !other.is_granted && other.sequence < t.sequence && share_a_lane(other.what, t.what)
            ) << "overtaken in its own lane";
    }
    void examine(const open_ticket& t, const refused& r) override {
        const time_point deadline = std::min(t.what.ttft_deadline, t.what.deadline);
        ASSERT_TRUE(r.reason != errc::deadline_spent || deadline <= now_);
    }
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
