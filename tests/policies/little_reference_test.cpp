// Admission by Little's law against the obvious way to write it.
#include "policies/little_reference.hpp"

#include "policies/admission_driver.hpp"

#include <gtest/gtest.h>

#include <random>

namespace penstock::admission {
namespace {

#ifdef __OPTIMIZE__
constexpr int num_steps = 20'000;
#else
constexpr int num_steps = 3'000;
#endif

class little_reference : public testing::TestWithParam<std::uint64_t> {};

TEST_P(little_reference, agrees_on_every_verdict) {
    std::mt19937_64 random{GetParam()};
    const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
    domain_spec spec = spec_of({{2, 3, 4}, {6, 5}});
    for (pool_spec& pool : spec.pools)
        pool.replicas[0].kv_tokens = 6000;
    spec.classes[0] = {.pending = 25, .timeout = 20s, .concurrency = 9, .tpot = 0s};
    spec.classes[1] = {.pending = 40, .timeout = 60s, .concurrency = 8, .tpot = 0s, .floor = 0.2};
    spec.classes[0].ttft = GetParam() % 2 == 0 ? duration{0} : duration{1h};
    driver_of<little> d{spec};
    reference obvious{spec};
    std::vector<ticket> arrived;
    std::uint64_t num_granted = 0;
    for (int step = 0; step < num_steps; ++step) {
        d.now += 1ms * below(300);
        for (std::uint32_t burst = below(8) == 0 ? 1 + below(12) : below(2); burst > 0; --burst) {
            work w = below(3) == 0   ? work_for({1})
                     : below(2) == 0 ? work_for({0, 1})
                                     : work_for({0});
            if (below(12) == 0) w.tried.push({below(5)});
            if (below(12) == 0) w.tried.push({below(5)});
            w.klass = static_cast<request_class>(below(2));
            w.tenant = {below(5)};
            w.streamed = true;
            w.ttft_deadline = d.now + 1000h;  // the class's target is for holdback alone
            w.prompt_tokens = 1 + below(2500);
            w.output_expected = below(500);
            w.no_queue = below(20) == 0;
            if (below(2) == 0) w.deadline = d.now + 1ms * (1 + below(40'000));
            arrived.push_back(d.arrive(w));
            obvious.arrive(arrived.back(), w, d.now);
        }
        if (obvious.num_running() > 0 && below(3) > 0) {
            runner& r = obvious.running(below(static_cast<std::uint32_t>(obvious.num_running())));
            d.policy.on(r.name, event::first_byte{}, d.now);
            r.is_read = true;
        }
        if (obvious.num_running() > 0 && below(2) == 0) {
            const std::size_t i = below(static_cast<std::uint32_t>(obvious.num_running()));
            usage used;
            if (below(2) == 0) used = {.prompt = below(3000), .output = below(400), .known = true};
            const event::completed told{.used = used, .end = ending::served, .streamed = true};
            d.policy.on(obvious.running(i).name, told, d.now);
            obvious.end(i, used);
        }
        if (!arrived.empty() && below(6) == 0) {
            const ticket t = arrived[below(static_cast<std::uint32_t>(arrived.size()))];
            if (obvious.cancel(t)) {
                ASSERT_EQ(d.policy.cancel(t, d.now).was, cancel_result::state::waiting);
            }
        }
        obvious.learn(d.policy.explain(work_for({0, 1}), d.now));
        const std::vector<verdict> said = d.advance();
        ASSERT_NO_FATAL_FAILURE(obvious.follow(said, d.now)) << "at step " << step;
        ASSERT_EQ(d.policy.waiting(), obvious.waiting());
        for (const verdict& v : said)
            num_granted += std::holds_alternative<granted>(v);
        if (arrived.size() > 200) arrived.erase(arrived.begin(), arrived.begin() + 100);
    }
    EXPECT_GT(num_granted, num_steps / 4u);
}

INSTANTIATE_TEST_SUITE_P(seeds, little_reference, testing::Values(21, 22, 23, 24));

}  // namespace
}  // namespace penstock::admission
