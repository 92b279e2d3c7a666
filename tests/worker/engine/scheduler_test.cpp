// What a step computes, and in which order sequences are let in.
#include "scheduled.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::worker {
namespace {

using test::arrival;
using test::scheduled;
using testing::ElementsAre;
using testing::Pair;

constexpr auto bulk = request_class::bulk;

TEST(scheduler, computes_a_short_prompt_at_once_and_then_a_token_each_step) {
    scheduled s({});
    const auto a = s.add({.num_prompt = 100, .max_tokens = 3});
    EXPECT_THAT(s.step(), ElementsAre(Pair(a, 100)));
    EXPECT_THAT(s.step(), ElementsAre(Pair(a, 1)));
    EXPECT_THAT(s.step(), ElementsAre(Pair(a, 1)));
    EXPECT_THAT(s.finished, ElementsAre(a));
    EXPECT_TRUE(s.plans.empty());
    EXPECT_THAT(s.plan(), ElementsAre());
    EXPECT_EQ(s.pages.counts().used, 0u);
}

TEST(scheduler, cuts_a_long_prompt_at_pages_and_samples_after_its_last_token) {
    scheduled s({.max_step_tokens = 200});
    const auto a = s.add({.num_prompt = 450});
    EXPECT_THAT(s.plan(), ElementsAre(Pair(a, 192)));
    EXPECT_FALSE(s.last_plan().parts[0].samples);
    s.commit();
    EXPECT_THAT(s.step(), ElementsAre(Pair(a, 192)));
    EXPECT_THAT(s.plan(), ElementsAre(Pair(a, 66)));
    EXPECT_TRUE(s.last_plan().parts[0].samples);
}

TEST(scheduler, gives_what_a_prompt_leaves_of_the_budget_to_the_next) {
    scheduled s({.max_step_tokens = 256});
    const auto a = s.add({.num_prompt = 100, .max_tokens = 9});
    const auto b = s.add({.num_prompt = 300, .max_tokens = 9, .first_token = 1000});
    const auto c = s.add({.num_prompt = 10, .max_tokens = 9, .first_token = 2000});
    EXPECT_THAT(s.step(), ElementsAre(Pair(a, 100), Pair(b, 128), Pair(c, 10)));
    EXPECT_THAT(s.step(), ElementsAre(Pair(a, 1), Pair(c, 1), Pair(b, 172)));
    EXPECT_THAT(s.step(), ElementsAre(Pair(a, 1), Pair(b, 1), Pair(c, 1)));
}

TEST(scheduler, orders_a_step_by_decodes_before_prompts_and_realtime_before_bulk) {
    scheduled s({.max_step_tokens = 192});
    const auto old_bulk = s.add({.traffic_class = bulk, .num_prompt = 20, .max_tokens = 9});
    const auto old_realtime = s.add({.num_prompt = 20, .max_tokens = 9, .first_token = 1000});
    EXPECT_THAT(s.step(), ElementsAre(Pair(old_realtime, 20), Pair(old_bulk, 20)));
    const auto new_bulk =
        s.add({.traffic_class = bulk, .num_prompt = 100, .max_tokens = 9, .first_token = 2000});
    const auto realtime = s.add({.num_prompt = 100, .max_tokens = 9, .first_token = 3000});
    EXPECT_THAT(
        s.step(),
        ElementsAre(
            Pair(old_realtime, 1), Pair(old_bulk, 1), Pair(realtime, 100), Pair(new_bulk, 64)
        )
    );
}

TEST(scheduler, lets_a_prompt_of_realtime_go_before_one_of_bulk_that_began) {
    scheduled s({.max_step_tokens = 128});
    const auto slow = s.add({.traffic_class = bulk, .num_prompt = 500, .max_tokens = 9});
    EXPECT_THAT(s.step(), ElementsAre(Pair(slow, 128)));
    const auto quick = s.add({.num_prompt = 128, .max_tokens = 1, .first_token = 1000});
    EXPECT_THAT(s.step(), ElementsAre(Pair(quick, 128)));
    EXPECT_THAT(s.step(), ElementsAre(Pair(slow, 128)));
}

TEST(scheduler, counts_bulk_as_realtime_once_it_is_old) {
    scheduled s({.max_sequences = 1, .max_bulk_age = std::chrono::seconds(10)});
    const auto waiting = s.add({.traffic_class = bulk, .num_prompt = 10, .max_tokens = 1});
    s.now += std::chrono::seconds(9);
    const auto first = s.add({.num_prompt = 10, .max_tokens = 1, .first_token = 1000});
    EXPECT_THAT(s.step(), ElementsAre(Pair(first, 10)));
    s.add({.num_prompt = 10, .max_tokens = 1, .first_token = 2000});
    s.now += std::chrono::seconds(1);
    EXPECT_THAT(s.step(), ElementsAre(Pair(waiting, 10)));
}

TEST(scheduler, keeps_a_share_of_the_slots_from_bulk) {
    scheduled s({.max_sequences = 10, .bulk_reserve = 0.2});
    for (int i = 0; i < 12; ++i)
        s.add({.traffic_class = bulk, .num_prompt = 5, .max_tokens = 99});
    EXPECT_EQ(s.step().size(), 8u);
    for (int i = 0; i < 3; ++i)
        s.add({.num_prompt = 5, .max_tokens = 99});
    EXPECT_EQ(s.step().size(), 10u);
    EXPECT_EQ(s.plans.lengths(request_class::realtime).waiting, 1u);
    EXPECT_EQ(s.plans.lengths(bulk).waiting, 4u);
    s.now += std::chrono::hours(1);
    const auto realtime = s.plan()[0].first;
    s.commit();
    s.plans.remove(realtime);
    s.step();  // now that it is old, bulk takes what it came first for
    EXPECT_EQ(s.plans.lengths(request_class::realtime).waiting, 1u);
    EXPECT_EQ(s.plans.lengths(bulk).waiting, 3u);
}

TEST(scheduler, keeps_a_share_of_the_pages_from_bulk_unless_nothing_runs) {
    scheduled s({.bulk_reserve = 0.5}, 10);
    const auto large = s.add({.traffic_class = bulk, .num_prompt = 8 * page_size, .max_tokens = 1});
    EXPECT_THAT(s.step(), ElementsAre(Pair(large, 512)));
    const auto a = s.add({.traffic_class = bulk, .num_prompt = 60, .max_tokens = 200});
    const auto b = s.add({.traffic_class = bulk, .num_prompt = 60, .max_tokens = 70});
    s.step();
    EXPECT_EQ(s.plans.lengths(bulk).decode, 1u) << "5 pages are kept, so " << b << " waits";
    s.plans.remove(a);
    s.step();
    EXPECT_EQ(s.plans.lengths(bulk).decode, 1u);
}

TEST(scheduler, lets_in_only_what_fits_at_its_longest) {
    scheduled s({}, 10);
    const auto a =
        s.add({.num_prompt = 65, .max_tokens = 6 * page_size + 1});  // 8 pages in the end
    const auto b = s.add({.num_prompt = 2 * page_size, .max_tokens = 2, .first_token = 1000});
    EXPECT_THAT(s.step(), ElementsAre(Pair(a, 65)));
    EXPECT_EQ(s.pages.counts().used, 2u);
    EXPECT_EQ(s.plans.num_promised(), 6u);
    EXPECT_EQ(s.steps_until_finished(a, 1000), 6 * page_size);
    EXPECT_THAT(s.step(), ElementsAre(Pair(b, 2 * page_size)));
}

TEST(scheduler, does_not_count_shared_pages_twice) {
    scheduled s({}, 12);
    const auto a = s.add({.num_prompt = 8 * page_size, .max_tokens = 2 * page_size});
    s.step();
    const auto b = s.add({.num_prompt = 8 * page_size, .max_tokens = page_size});
    EXPECT_THAT(s.step(), ElementsAre(Pair(a, 1), Pair(b, page_size)));
    EXPECT_EQ(s.plans.prefixes().lookup_tokens, 16 * page_size);
    EXPECT_EQ(s.plans.prefixes().hit_tokens, 7 * page_size);
}

TEST(scheduler, lets_small_ones_pass_a_large_one_but_only_so_often) {
    scheduled s({.max_overtakes = 3}, 10);
    const auto running = s.add({.num_prompt = 60, .max_tokens = 300});
    s.step();
    const auto large = s.add({.num_prompt = 8 * page_size, .max_tokens = 1, .first_token = 1000});
    std::array<generation_id, 5> small{};
    for (generation_id& id : small)
        id = s.add({.num_prompt = 8, .max_tokens = 2, .first_token = 5000});
    s.add({.traffic_class = bulk, .num_prompt = 8, .max_tokens = 2, .first_token = 5000});
    s.step();
    s.step();
    EXPECT_THAT(s.finished, ElementsAre(small[0], small[1], small[2]));
    while (s.finished.size() == 3)
        s.step();
    EXPECT_EQ(s.finished[3], running);
    EXPECT_THAT(s.step(), ElementsAre(Pair(large, 512)));
    EXPECT_THAT(s.step(), ElementsAre(Pair(small[3], 8), Pair(small[4], 8), testing::_));
}

TEST(scheduler, forgets_who_leaves_at_once) {
    scheduled s({.max_sequences = 2}, 100);
    const auto running = s.add({.num_prompt = 100, .max_tokens = 50});
    const auto prompt = s.add({.num_prompt = 600, .max_tokens = 50, .first_token = 1000});
    const auto waiting = s.add({.num_prompt = 100, .max_tokens = 50, .first_token = 3000});
    s.step();
    EXPECT_TRUE(s.plans.remove(waiting));
    EXPECT_TRUE(s.plans.remove(prompt));
    EXPECT_FALSE(s.plans.remove(prompt));
    EXPECT_THAT(s.step(), ElementsAre(Pair(running, 1)));
    EXPECT_TRUE(s.plans.remove(running));
    EXPECT_TRUE(s.plans.empty());
    EXPECT_EQ(s.pages.counts().used, 0u);
    EXPECT_EQ(s.plans.num_promised(), 0u);
}

TEST(scheduler, leaves_room_for_a_page_of_a_prompt_beside_all_decodes) {
    scheduled s({.max_sequences = 100, .max_step_tokens = 70});
    EXPECT_EQ(s.plans.num_slots(), 6u);
    for (token_id i = 0; i < 20; ++i)
        s.add({.num_prompt = 100, .max_tokens = 40, .first_token = 1000 * i});
    for (int i = 0; i < 30; ++i) {
        s.plan();
        EXPECT_LE(s.last_plan().num_rows, 70u);
        s.commit();
    }
    EXPECT_EQ(s.plans.lengths(request_class::realtime).decode, 6u);
    scheduled one({.max_sequences = 100, .max_step_tokens = 64});
    EXPECT_EQ(one.plans.num_slots(), 1u);
}

TEST(scheduler, tells_who_waits_for_a_first_token_and_who_has_one) {
    scheduled s({.max_step_tokens = 128});
    s.add({.num_prompt = 20, .max_tokens = 9});
    s.add({.num_prompt = 300, .max_tokens = 9, .first_token = 1000});
    s.add({.traffic_class = bulk, .num_prompt = 40, .max_tokens = 9, .first_token = 2000});
    s.step();
    const auto realtime = s.plans.lengths(request_class::realtime), slow = s.plans.lengths(bulk);
    EXPECT_EQ(realtime.decode, 1u);
    EXPECT_EQ(realtime.prefill, 1u);
    EXPECT_EQ(realtime.prefill_tokens, 300u - 64u);
    EXPECT_EQ(slow.decode, 1u);
    EXPECT_EQ(slow.prefill, 0u);
}

}  // namespace
}  // namespace penstock::worker
