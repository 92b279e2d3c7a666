// Hexadecimal digits.
#include "penstock/hex.hpp"

#include <gtest/gtest.h>

namespace penstock {
namespace {

TEST(hex, of_a_number_has_as_many_digits_as_asked_for) {
    std::string text = "x";
    append_hex(text, 0x1f, 4);
    append_hex(text, 0xfedcba9876543210, 16);
    append_hex(text, 0x123, 2);
    append_hex(text, 7, 0);
    EXPECT_EQ(text, "x001ffedcba987654321023");
}

TEST(hex, of_bytes_has_two_digits_for_each_in_order) {
    const unsigned char bytes[] = {0x00, 0x0a, 0xff, 0x80};
    EXPECT_EQ(hex_of(bytes), "000aff80");
    EXPECT_EQ(hex_of({}), "");
}

TEST(hex, goes_where_it_is_put) {
    char text[] = "........";
    EXPECT_EQ(put_hex(text + 2, 0xab, 4), text + 6);
    EXPECT_STREQ(text, "..00ab..");
}

}  // namespace
}  // namespace penstock
