// What answers have taught: who is taught what, by which answers, and for how long.
#include "policies/length/learned.hpp"

#include "policies/length/estimate.hpp"

#include <gtest/gtest.h>

#include <malloc.h>
#include <string>

namespace penstock::length {
namespace {

using namespace std::chrono_literals;

constexpr time_point now{1000s};

openai::request_facts chat(std::uint32_t bytes) {
    openai::request_facts f;
    f.text.latin = bytes;
    f.num_messages = 1;
    return f;
}

usage used(std::uint64_t prompt, std::uint64_t output, std::uint64_t cached = 0) {
    return {.prompt = prompt, .cached = cached, .output = output, .known = true};
}

const asker anna{.model = 11, .tenant = 21, .affinity = 31};
const asker bert{.model = 11, .tenant = 22, .affinity = 31};

TEST(learned, is_taught_only_by_answers_that_ended_by_themselves_with_usage) {
    const usage known = used(10, 10);
    EXPECT_TRUE(teaches(known, ending::served));
    for (const ending other :
         {ending::client_gone, ending::upstream_error, ending::refused, ending::expired})
        EXPECT_FALSE(teaches(known, other));
    usage unknown = known;
    unknown.known = false;
    EXPECT_FALSE(teaches(unknown, ending::served));
    usage estimated = known;
    estimated.estimated = true;
    EXPECT_FALSE(teaches(estimated, ending::served));
}

TEST(learned, knows_nothing_of_strangers) {
    const learned fresh(8);
    EXPECT_EQ(fresh.of_model(1).output, 256u);
    EXPECT_EQ(fresh.of_model(1).factors.error(), 0.5);
    EXPECT_EQ(fresh.output_of(1).over(99), 99u);
    EXPECT_FALSE(fresh.of_conversation(1, now).is_known);
}

TEST(learned, teaches_a_model_by_every_tenant_and_a_tenant_by_its_own_answers) {
    learned all(64);
    for (int i = 0; i < 100; ++i) {
        all.teach_model(anna, chat(6000), used(1000, 2000));
        all.teach_tenant(anna, chat(6000), used(1000, 2000));
    }
    const knowledge model = all.of_model(11);
    EXPECT_NEAR(model.factors.guess(amounts_of(chat(6000))), 1000, 50);
    EXPECT_NEAR(model.output, 2000, 800);
    EXPECT_EQ(all.output_of(bert.tenant_of_model()).over(model.output), model.output);
    EXPECT_NEAR(all.output_of(anna.tenant_of_model()).over(7), 2000, 800);
    EXPECT_EQ(all.of_model(12).output, 256u);
}

TEST(learned, counts_each_choice_of_an_answer_for_itself) {
    learned all(8);
    openai::request_facts four = chat(100);
    four.n = 4;
    for (int i = 0; i < 50; ++i)
        all.teach_tenant(anna, four, used(30, 400));
    EXPECT_NEAR(all.output_of(anna.tenant_of_model()).over(256), 100, 40);
}

TEST(learned, takes_no_length_and_no_conversation_from_work_that_makes_no_tokens) {
    learned all(8);
    openai::request_facts embedding = chat(100);
    embedding.work = openai::work_kind::one_shot;
    for (int i = 0; i < 50; ++i) {
        all.teach_model(anna, embedding, used(50, 0));
        all.teach_tenant(anna, embedding, used(50, 0));
        all.teach_conversation(anna, embedding, 512, used(50, 0), now);
    }
    EXPECT_FALSE(all.of_conversation(anna.conversation(), now).is_known);
    EXPECT_EQ(all.of_model(11).output, 256u);
    EXPECT_EQ(all.output_of(anna.tenant_of_model()).over(99), 99u);
}

TEST(learned, takes_no_factor_from_a_prompt_that_is_not_text_alone) {
    learned all(8);
    openai::request_facts picture = chat(4000);
    picture.num_images = 1;
    for (int i = 0; i < 50; ++i)
        all.teach_model(anna, picture, used(2500, 10));
    EXPECT_FLOAT_EQ(1 / all.of_model(11).factors.tokens_per(kind::latin), 4.0);
}

// Honest tenants write at 4 bytes a token, one claims 1.1 and is nine tenths of all requests.
TEST(learned, is_moved_by_one_tenant_by_a_bounded_share) {
    learned all(64);
    const auto honest = [&](int i) {
        const asker who{.model = 11, .tenant = 100 + std::uint64_t(i % 7)};
        all.teach_model(who, chat(4000), used(1005, 10));
    };
    for (int i = 0; i < 300; ++i)
        honest(i);
    for (int i = 0; i < 9000; ++i) {
        if (i % 10 == 0) honest(i / 10);
        all.teach_model(anna, chat(4000), used(3600, 10));
    }
    EXPECT_NEAR(all.of_model(11).factors.guess(amounts_of(chat(4000))), 1005, 200);
}

TEST(learned, remembers_a_conversation_until_it_was_idle_for_ten_minutes) {
    learned all(8);
    all.teach_conversation(anna, chat(100), 8192, used(5000, 100, 4096), now);
    const conversation last = all.of_conversation(anna.conversation(), now + 10min);
    EXPECT_TRUE(last.is_known);
    EXPECT_EQ(last.prompt, 5000u);
    EXPECT_EQ(last.cached, 4096u);
    EXPECT_EQ(last.context, 8192u);
    EXPECT_FALSE(all.of_conversation(anna.conversation(), now + 10min + 1ns).is_known);
}

TEST(learned, keeps_equal_conversations_of_two_tenants_and_models_apart) {
    learned all(8);
    all.teach_conversation(anna, chat(100), 8192, used(5000, 100), now);
    EXPECT_FALSE(all.of_conversation(bert.conversation(), now).is_known);
    asker elsewhere = anna;
    elsewhere.model = 12;
    EXPECT_FALSE(all.of_conversation(elsewhere.conversation(), now).is_known);
}

TEST(learned, keeps_no_conversation_where_there_is_none) {
    learned all(8);
    asker nobody = anna;
    nobody.affinity = 0;
    all.teach_conversation(nobody, chat(100), 8192, used(5000, 100), now);
    EXPECT_EQ(nobody.conversation(), 0u);
    EXPECT_EQ(all.size(), 0u);
}

TEST(learned, does_not_believe_more_cached_tokens_than_the_prompt_had) {
    learned all(8);
    all.teach_conversation(anna, chat(100), 0, used(100, 1, 1'000'000), now);
    EXPECT_EQ(all.of_conversation(anna.conversation(), now).cached, 100u);
}

TEST(cached_hint, is_what_was_held_and_never_more_than_the_prompt) {
    const conversation last{.prompt = 900, .cached = 768, .is_known = true};
    EXPECT_EQ(cached_hint(last, 1200), 768u);
    EXPECT_EQ(cached_hint(last, 500), 500u);
    EXPECT_EQ(cached_hint({}, 500), 0u);
}

TEST(learned, stays_as_large_as_it_is_when_a_million_tenants_come_once) {
    learned all(4096);
    const auto come = [&](std::uint64_t first, std::uint64_t count) {
        for (std::uint64_t i = first; i < first + count; ++i) {
            const std::string name = "tenant-" + std::to_string(i);
            const asker who{
                .model = 11, .tenant = std::hash<std::string>{}(name), .affinity = i + 1
            };
            all.teach_model(who, chat(4000), used(1000, 100));
            all.teach_tenant(who, chat(4000), used(1000, 100));
            all.teach_conversation(who, chat(100), 8192, used(1000, 100), now);
        }
    };
    come(0, 10'000);
    const std::size_t entries = all.size();
    const std::size_t bytes = mallinfo2().uordblks;
    come(10'000, 990'000);
    EXPECT_EQ(all.size(), entries);
    EXPECT_LE(mallinfo2().uordblks, bytes + 4096);
    EXPECT_EQ(entries, 4096u + 4096u + 1u);
}

TEST(lru_table, forgets_what_was_unused_for_longest) {
    lru_table<int> table(3);
    for (const std::uint64_t key : {1, 2, 3})
        table.use(key) = static_cast<int>(10 * key);
    table.use(1);
    table.use(4) = 40;
    EXPECT_EQ(table.find(2), nullptr);
    for (const std::uint64_t key : {1, 3, 4}) {
        ASSERT_NE(table.find(key), nullptr) << key;
        EXPECT_EQ(*table.find(key), static_cast<int>(10 * key));
    }
    EXPECT_EQ(table.size(), 3u);
    EXPECT_EQ(table.use(2), 0) << "made anew";
}

TEST(lru_table, finds_keys_that_share_a_bucket) {
    lru_table<std::uint64_t> table(16);
    for (std::uint64_t i = 0; i < 1000; ++i)
        table.use(i << 32) = i;
    for (std::uint64_t i = 0; i < 1000; ++i) {
        const auto* found = table.find(i << 32);
        ASSERT_EQ(found != nullptr, i >= 984);
        if (found) {
            ASSERT_EQ(*found, i);
        }
    }
}

}  // namespace
}  // namespace penstock::length
