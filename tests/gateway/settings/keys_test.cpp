// Keys and their digests.
#include "gateway/settings/keys.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>

namespace penstock::settings {
namespace {

// The vectors of FIPS 180-2.
TEST(keys, digests_as_the_standard_says) {
    EXPECT_EQ(
        sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(keys, makes_keys_that_differ_in_every_place) {
    std::set<std::string> seen;
    std::array<std::set<char>, 32> characters;
    for (int i = 0; i < 1000; ++i) {
        const new_key made = make_key();
        ASSERT_EQ(made.key.size(), 35u);
        ASSERT_EQ(made.key.substr(0, 3), "sk-");
        ASSERT_EQ(made.sha256, sha256_hex(made.key));
        ASSERT_TRUE(seen.insert(made.key).second);
        for (std::size_t j = 0; j < 32; ++j)
            characters[j].insert(made.key[j + 3]);
    }
    for (const auto& each : characters)
        EXPECT_EQ(each.size(), 64u);
}

}  // namespace
}  // namespace penstock::settings
