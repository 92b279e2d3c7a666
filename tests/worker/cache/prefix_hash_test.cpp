// The chain of hashes: what it covers, and that nothing reads alike.
#include "worker/cache/prefix_hash.hpp"

#include "penstock/hex.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace penstock::worker {
namespace {

// printf '\x01\1\0\0\0\0\0\0\0d\1\0\0\0\0\0\0\0s' | sha256sum
TEST(prefix_hash, is_sha_256_of_lengths_and_texts) {
    prefix_hasher hasher;
    const auto root = hasher.root("d", "s");
    ASSERT_TRUE(root);
    EXPECT_EQ(hex_of(*root), "a6a57fcc10239a3e2607f910835f95270b5aa52d32bdf896fd69ea276ce3c414");
}

TEST(prefix_hash, separates_domain_and_salt_by_their_lengths) {
    prefix_hasher hasher;
    std::set<std::string> roots;
    const std::vector<std::pair<std::string, std::string>> pairs{
        {"", ""},
        {"ab", "c"},
        {"a", "bc"},
        {"abc", ""},
        {"", "abc"},
        {std::string(1, '\0'), ""},
    };
    for (const auto& [domain, salt] : pairs)
        roots.insert(hex_of(*hasher.root(domain, salt)));
    EXPECT_EQ(roots.size(), pairs.size());
}

TEST(prefix_hash, depends_on_the_parent_and_on_every_token) {
    prefix_hasher hasher;
    const auto root = *hasher.root("", ""), other = *hasher.root("", "x");
    std::vector<token_id> tokens(64, 7);
    std::set<std::string> pages{
        hex_of(*hasher.next(root, tokens)), hex_of(*hasher.next(other, tokens))
    };
    for (token_id& token : tokens) {
        token = 8;
        pages.insert(hex_of(*hasher.next(root, tokens)));
        token = 7;
    }
    EXPECT_EQ(pages.size(), 66u);
    EXPECT_EQ(*hasher.next(root, tokens), *hasher.next(root, tokens));
}

}  // namespace
}  // namespace penstock::worker
