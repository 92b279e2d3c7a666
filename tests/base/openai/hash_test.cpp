// Hashes are stable, since replicas are chosen by them, and tell texts apart.
#include "penstock/openai/facts.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace penstock::openai {
namespace {

TEST(hash_of, is_zero_for_an_empty_text_alone) {
    EXPECT_EQ(hash_of(""), 0u);
    EXPECT_NE(hash_of(std::string_view("\0", 1)), 0u);
}

TEST(hash_of, tells_lengths_and_places_apart) {
    std::set<std::uint64_t> seen;
    for (std::size_t size = 1; size <= 80; ++size) {
        seen.insert(hash_of(std::string(size, '\0')));
        for (std::size_t at = 0; at < size; ++at) {
            std::string text(size, '\0');
            text[at] = 'x';
            seen.insert(hash_of(text));
        }
    }
    EXPECT_EQ(seen.size(), 80u + 80u * 81u / 2);
}

TEST(hash_of, never_changes_between_releases) {
    EXPECT_EQ(hash_of("penstock"), 8338870090609804649u);
    EXPECT_EQ(hash_of("the quick brown fox jumps over the lazy dog"), 931151393418021784u);
}

}  // namespace
}  // namespace penstock::openai
