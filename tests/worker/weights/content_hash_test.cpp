// Contents that differ have hashes that differ, wherever and however little.
#include "worker/weights/content_hash.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace penstock::worker {
namespace {

std::vector<std::byte> numbered(std::size_t size) {
    std::vector<std::byte> made(size);
    for (std::size_t i = 0; i < size; ++i)
        made[i] = static_cast<std::byte>(i * 7 + i / 64);
    return made;
}

TEST(content_hash, sees_every_bit) {
    for (const std::size_t size : {1u, 63u, 64u, 65u, 200u}) {
        auto bytes = numbered(size);
        std::set<std::uint64_t> seen{content_hash(bytes)};
        for (std::size_t i = 0; i < size; ++i)
            for (unsigned bit = 0; bit < 8; ++bit) {
                bytes[i] ^= std::byte(1u << bit);
                EXPECT_TRUE(seen.insert(content_hash(bytes)).second) << size << " " << i;
                bytes[i] ^= std::byte(1u << bit);
            }
    }
}

TEST(content_hash, sees_the_length_of_nothing_but_zeros) {
    std::set<std::uint64_t> seen;
    for (std::size_t size = 0; size < 300; ++size)
        EXPECT_TRUE(seen.insert(content_hash(std::vector<std::byte>(size))).second) << size;
}

TEST(content_hash, sees_words_that_changed_places) {
    auto bytes = numbered(192);
    const std::uint64_t before = content_hash(bytes);
    std::swap_ranges(bytes.begin(), bytes.begin() + 8, bytes.begin() + 8);
    EXPECT_NE(content_hash(bytes), before) << "of two lanes";
    bytes = numbered(192);
    std::swap_ranges(bytes.begin(), bytes.begin() + 8, bytes.begin() + 64);
    EXPECT_NE(content_hash(bytes), before) << "of one lane";
}

TEST(joined_hash, is_of_the_list_and_not_of_the_set) {
    const std::uint64_t a[] = {1, 2}, b[] = {2, 1}, c[] = {1, 2, 0};
    EXPECT_NE(joined_hash(a), joined_hash(b));
    EXPECT_NE(joined_hash(a), joined_hash(c));
    EXPECT_NE(joined_hash({}), joined_hash(std::span(c).last(1)));
}

}  // namespace
}  // namespace penstock::worker
