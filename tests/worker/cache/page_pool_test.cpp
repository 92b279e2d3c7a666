// Pages: who holds them, which are found again, and which go first.
#include "worker/cache/page_pool.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace penstock::worker {
namespace {

using testing::ElementsAreArray;

std::vector<token_id> text_of(std::size_t num_tokens, token_id from = 0) {
    std::vector<token_id> tokens(num_tokens);
    std::iota(tokens.begin(), tokens.end(), from);
    return tokens;
}

std::vector<page_id> ids_of(const held_pages& held) {
    return {held.ids().begin(), held.ids().end()};
}

// Takes what is known of the tokens, computes the rest and makes it known.
held_pages computed(
    page_pool& pool, const std::vector<token_id>& tokens, std::string_view salt = ""
) {
    held_pages held = pool.take_prefix(tokens, salt);
    EXPECT_TRUE(pool.grow(held, static_cast<std::uint32_t>(tokens.size())));
    pool.make_known(held, tokens, static_cast<std::uint32_t>(tokens.size()));
    return held;
}

std::uint32_t reused(page_pool& pool, const std::vector<token_id>& tokens) {
    return pool.take_prefix(tokens, "").num_reused();
}

TEST(page_pool, hands_out_every_page_once_and_takes_all_back) {
    page_pool pool({.num_pages = 4});
    {
        held_pages a, b;
        EXPECT_TRUE(pool.grow(a, 3 * page_size));
        EXPECT_TRUE(pool.grow(b, 1));
        std::vector<page_id> all = ids_of(a);
        all.insert(all.end(), b.ids().begin(), b.ids().end());
        EXPECT_THAT(all, testing::UnorderedElementsAre(0, 1, 2, 3));
        EXPECT_EQ(a.capacity(), 3 * page_size);
        EXPECT_EQ(pool.counts().used, 4u);
        EXPECT_EQ(pool.num_available(), 0u);
    }
    EXPECT_EQ(pool.counts().free, 4u);
}

TEST(page_pool, changes_nothing_when_it_cannot_grow) {
    page_pool pool({.num_pages = 3});
    held_pages a;
    ASSERT_TRUE(pool.grow(a, page_size));
    const auto before = ids_of(a);
    EXPECT_FALSE(pool.grow(a, 3 * page_size + 1));
    EXPECT_EQ(ids_of(a), before);
    EXPECT_EQ(pool.num_available(), 2u);
    EXPECT_TRUE(pool.grow(a, page_size));
    EXPECT_EQ(ids_of(a), before);
}

TEST(page_pool, finds_a_prefix_that_somebody_still_holds) {
    page_pool pool({.num_pages = 8});
    const auto tokens = text_of(3 * page_size + 5);
    const held_pages first = computed(pool, tokens);
    const held_pages second = pool.take_prefix(tokens, "");
    EXPECT_EQ(second.num_reused(), 3 * page_size);
    EXPECT_THAT(second.ids(), ElementsAreArray(first.ids().first(3)));
    EXPECT_EQ(pool.counts().used, 4u);
}

TEST(page_pool, keeps_what_nobody_holds_until_its_room_is_needed) {
    page_pool pool({.num_pages = 4});
    const auto tokens = text_of(2 * page_size + 1);
    std::vector<page_id> ids = ids_of(computed(pool, tokens));
    EXPECT_EQ(pool.counts().cached, 2u);
    EXPECT_EQ(pool.counts().free, 2u);
    EXPECT_EQ(pool.num_available(), 4u);
    ids.pop_back();
    EXPECT_EQ(ids_of(pool.take_prefix(tokens, "")), ids);
}

TEST(page_pool, leaves_a_token_to_compute) {
    page_pool pool({.num_pages = 8});
    {
        auto held = computed(pool, text_of(2 * page_size));
    }
    EXPECT_EQ(reused(pool, text_of(2 * page_size)), page_size);
    EXPECT_EQ(reused(pool, text_of(2 * page_size + 1)), 2 * page_size);
    EXPECT_EQ(reused(pool, text_of(page_size)), 0u);
    EXPECT_EQ(reused(pool, text_of(1)), 0u);
    EXPECT_EQ(reused(pool, {}), 0u);
}

TEST(page_pool, knows_only_whole_pages_whose_tokens_are_all_computed) {
    page_pool pool({.num_pages = 8});
    const auto tokens = text_of(3 * page_size);
    held_pages held = pool.take_prefix(tokens, "");
    ASSERT_TRUE(pool.grow(held, 3 * page_size));
    EXPECT_EQ(reused(pool, tokens), 0u);
    pool.make_known(held, tokens, page_size - 1);
    EXPECT_EQ(reused(pool, tokens), 0u);
    pool.make_known(held, tokens, page_size);
    EXPECT_EQ(reused(pool, tokens), page_size);
    pool.make_known(held, tokens, 2 * page_size + 63);
    EXPECT_EQ(reused(pool, tokens), 2 * page_size);
}

TEST(page_pool, does_not_believe_that_tokens_are_computed_for_which_there_is_no_page) {
    page_pool pool({.num_pages = 8});
    const auto tokens = text_of(3 * page_size);
    held_pages held = pool.take_prefix(tokens, "");
    ASSERT_TRUE(pool.grow(held, page_size));
    pool.make_known(held, tokens, 3 * page_size);
    EXPECT_EQ(reused(pool, tokens), page_size);
}

TEST(page_pool, tells_prefixes_apart_by_every_token_before) {
    page_pool pool({.num_pages = 8});
    auto tokens = text_of(2 * page_size + 1);
    {
        auto held = computed(pool, tokens);
    }
    tokens[page_size + 7] += 1;
    EXPECT_EQ(reused(pool, tokens), page_size);
    tokens[0] += 1;
    EXPECT_EQ(reused(pool, tokens), 0u);
    const auto second_page = text_of(page_size + 1, page_size);
    EXPECT_EQ(reused(pool, second_page), 0u);
}

TEST(page_pool, shares_under_an_equal_salt_only) {
    page_pool pool({.num_pages = 8});
    const auto tokens = text_of(page_size + 1);
    {
        auto held = computed(pool, tokens, "tenant a");
    }
    EXPECT_EQ(pool.take_prefix(tokens, "tenant b").num_reused(), 0u);
    EXPECT_EQ(pool.take_prefix(tokens, "").num_reused(), 0u);
    EXPECT_EQ(pool.take_prefix(tokens, "tenant a").num_reused(), page_size);
}

TEST(page_pool, of_one_chain_evicts_the_tail_first) {
    page_pool pool({.num_pages = 4});
    const auto tokens = text_of(4 * page_size + 1);
    {
        held_pages held = pool.take_prefix(tokens, "");
        ASSERT_TRUE(pool.grow(held, 4 * page_size));
        pool.make_known(held, tokens, 4 * page_size);
    }
    for (std::uint32_t evicted = 0; evicted <= 4; ++evicted) {
        held_pages other;
        ASSERT_TRUE(pool.grow(other, evicted * page_size));
        EXPECT_EQ(reused(pool, tokens), (4 - evicted) * page_size);
    }
}

TEST(page_pool, evicts_what_was_used_least_recently) {
    page_pool pool({.num_pages = 3});
    const auto a = text_of(page_size + 1, 1000), b = text_of(page_size + 1, 2000),
               c = text_of(page_size + 1, 3000);
    for (const auto* tokens : {&a, &b, &c}) {
        held_pages held = pool.take_prefix(*tokens, "");
        ASSERT_TRUE(pool.grow(held, page_size));
        pool.make_known(held, *tokens, page_size);
    }
    EXPECT_EQ(reused(pool, a), page_size);  // and is the most recent now
    held_pages other;
    ASSERT_TRUE(pool.grow(other, page_size));
    EXPECT_EQ(reused(pool, b), 0u);
    EXPECT_EQ(reused(pool, c), page_size);
    EXPECT_EQ(reused(pool, a), page_size);
}

TEST(page_pool, never_evicts_what_is_held) {
    page_pool pool({.num_pages = 3});
    const auto tokens = text_of(2 * page_size + 1);
    held_pages holder = pool.take_prefix(tokens, "");
    ASSERT_TRUE(pool.grow(holder, 2 * page_size));
    pool.make_known(holder, tokens, 2 * page_size);
    held_pages other;
    EXPECT_FALSE(pool.grow(other, 2 * page_size));
    EXPECT_TRUE(pool.grow(other, page_size));
    EXPECT_EQ(reused(pool, tokens), 2 * page_size);
}

TEST(page_pool, keeps_a_page_private_whose_content_is_known_already) {
    page_pool pool({.num_pages = 8});
    const auto tokens = text_of(2 * page_size + 1);
    held_pages a = pool.take_prefix(tokens, ""), b = pool.take_prefix(tokens, "");
    ASSERT_TRUE(pool.grow(a, 2 * page_size));
    ASSERT_TRUE(pool.grow(b, 2 * page_size));
    const auto ids_a = ids_of(a), ids_b = ids_of(b);
    pool.make_known(a, tokens, 2 * page_size);
    pool.make_known(b, tokens, 2 * page_size);
    EXPECT_EQ(ids_of(a), ids_a);
    EXPECT_EQ(ids_of(b), ids_b);
    EXPECT_EQ(ids_of(pool.take_prefix(tokens, "")), ids_a);
    b = {};
    EXPECT_EQ(pool.counts().used, 2u);
    EXPECT_EQ(pool.counts().free, 6u);
    EXPECT_EQ(ids_of(pool.take_prefix(tokens, "")), ids_a);
}

// The twin's tail hangs on a head that nobody holds; the head must not go before it.
TEST(page_pool, keeps_the_head_of_a_chain_whose_tail_a_twin_computed) {
    page_pool pool({.num_pages = 6});
    const auto tokens = text_of(3 * page_size + 1);
    held_pages a = pool.take_prefix(tokens, ""), b = pool.take_prefix(tokens, "");
    ASSERT_TRUE(pool.grow(a, page_size));
    ASSERT_TRUE(pool.grow(b, 3 * page_size));
    pool.make_known(a, tokens, page_size);
    pool.make_known(b, tokens, 3 * page_size);
    a = {};
    b = {};
    EXPECT_EQ(pool.counts().cached, 3u);
    held_pages other;
    ASSERT_TRUE(pool.grow(other, 4 * page_size));
    EXPECT_EQ(reused(pool, tokens), 2 * page_size);
}

TEST(page_pool, makes_a_twin_known_when_the_first_was_evicted_meanwhile) {
    page_pool pool({.num_pages = 4});
    const auto tokens = text_of(2 * page_size + 1);
    held_pages a = pool.take_prefix(tokens, ""), b = pool.take_prefix(tokens, "");
    ASSERT_TRUE(pool.grow(a, page_size));
    ASSERT_TRUE(pool.grow(b, 2 * page_size));
    pool.make_known(a, tokens, page_size);
    pool.make_known(b, tokens, 2 * page_size);
    a = {};
    {
        held_pages other;
        ASSERT_TRUE(pool.grow(other, 2 * page_size));  // takes a's page
    }
    EXPECT_EQ(reused(pool, tokens), 0u);
    b = {};
    EXPECT_EQ(reused(pool, tokens), 2 * page_size);
    EXPECT_EQ(pool.counts().used, 0u);
}

TEST(page_pool, replaces_a_chain_whose_head_was_evicted) {
    page_pool pool({.num_pages = 12});
    const auto prompt = text_of(4 * page_size + 1);
    held_pages first = pool.take_prefix(prompt, ""), twin = pool.take_prefix(prompt, "");
    for (held_pages* each : {&first, &twin}) {
        ASSERT_TRUE(pool.grow(*each, page_size));
        pool.make_known(*each, prompt, page_size);
    }
    first = {};
    ASSERT_TRUE(pool.grow(twin, 4 * page_size));
    pool.make_known(twin, prompt, 4 * page_size);  // what follows the first's page
    {
        held_pages pressure;
        ASSERT_TRUE(pool.grow(pressure, 8 * page_size));  // the first's page goes
    }
    held_pages anew = pool.take_prefix(prompt, "");
    ASSERT_TRUE(pool.grow(anew, 4 * page_size));
    pool.make_known(anew, prompt, 4 * page_size);
    twin = {};
    anew = {};
    computed(pool, prompt);
    EXPECT_EQ(reused(pool, prompt), 4 * page_size);
}

TEST(page_pool, gives_back_once_however_it_is_moved) {
    page_pool pool({.num_pages = 4});
    held_pages a;
    ASSERT_TRUE(pool.grow(a, 2 * page_size));
    held_pages b(std::move(a));
    EXPECT_EQ(pool.counts().used, 2u);
    held_pages& same = b;
    b = std::move(same);
    EXPECT_EQ(pool.counts().used, 2u);
    a = std::move(b);
    held_pages c;
    ASSERT_TRUE(pool.grow(c, page_size));
    c = std::move(a);
    EXPECT_EQ(pool.counts().used, 2u);
    EXPECT_EQ(pool.counts().free, 2u);
    c = {};
    EXPECT_EQ(pool.counts().free, 4u);
}

TEST(page_pool, reuses_nothing_when_told_so) {
    page_pool pool({.num_pages = 4, .reuse_prefixes = false});
    const auto tokens = text_of(2 * page_size + 1);
    {
        auto held = computed(pool, tokens);
    }
    EXPECT_EQ(reused(pool, tokens), 0u);
    EXPECT_EQ(pool.counts().cached, 0u);
    EXPECT_EQ(pool.counts().free, 4u);
}

}  // namespace
}  // namespace penstock::worker
