// Headers of safetensors: what is read, and every way in which one can lie.
#include "worker/weights/safetensors_header.hpp"

#include <gtest/gtest.h>

#include <array>

namespace penstock::worker {
namespace {

std::string entry(
    const std::string& name,
    const std::string& type,
    const std::string& shape,
    const std::string& offsets
) {
    return "\"" + name + "\":{\"dtype\":\"" + type + "\",\"shape\":[" + shape +
           "],\"data_offsets\":[" + offsets + "]}";
}

// What is wrong with a header; empty when nothing is.
std::string fault(const std::string& json, std::uint64_t data_bytes) {
    const auto parsed = parse_header(json, data_bytes);
    if (parsed) return {};
    EXPECT_EQ(parsed.error().code, errc::invalid_value);
    return parsed.error().detail;
}

std::string fault_of(const std::string& entries, std::uint64_t data_bytes) {
    return fault("{" + entries + "}", data_bytes);
}

TEST(safetensors_header, gives_tensors_in_order_of_place) {
    const std::string json = "{\"__metadata__\":{\"format\":\"pt\",\"a\":\"b\"}," +
                             entry("b", "BF16", "2,3", "4,16") + "," +
                             entry("a", "F32", "", "0,4") + "}  \n";
    const auto parsed = parse_header(json, 16);
    ASSERT_TRUE(parsed) << parsed.error().detail;
    const auto& tensors = parsed.value();
    ASSERT_EQ(tensors.size(), 2u);
    EXPECT_EQ(tensors[0].name, "a");
    EXPECT_TRUE(tensors[0].shape.empty());
    EXPECT_EQ(tensors[1].name, "b");
    EXPECT_EQ(tensors[1].type, "BF16");
    EXPECT_EQ(tensors[1].shape, (std::vector<std::uint64_t>{2, 3}));
    EXPECT_EQ(tensors[1].begin, 4u);
    EXPECT_EQ(tensors[1].end, 16u);
}

TEST(safetensors_header, reads_types_that_no_model_here_has) {
    const std::string json =
        entry("a", "I64", "2", "0,16") + "," + entry("b", "BOOL", "3", "16,19") + "," +
        entry("c", "F4", "2", "19,20") + "," + entry("d", "F8_E4M3", "4", "20,24") + "," +
        entry("e", "F6_E2M3", "4", "24,27");
    EXPECT_EQ(fault_of(json, 27), "");
}

TEST(safetensors_header, may_hold_nothing_and_tensors_of_nothing) {
    EXPECT_EQ(fault("{}", 0), "");
    EXPECT_EQ(fault("{\"__metadata__\":{}}", 0), "");
    EXPECT_EQ(
        fault_of(entry("a", "F32", "0,7", "0,0") + "," + entry("b", "F16", "1", "0,2"), 2), ""
    );
    // Whatever stands beside a zero, the tensor is empty.
    EXPECT_EQ(
        fault_of(entry("a", "F32", "18446744073709551615,18446744073709551615,0", "0,0"), 0), ""
    );
}

TEST(safetensors_header, keeps_a_name_as_the_json_spells_it_out) {
    const auto parsed = parse_header("{" + entry("m\\u006fdel\\n", "F16", "1", "0,2") + "}", 2);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed.value()[0].name, "model\n");
}

TEST(safetensors_header, is_a_json_object_and_nothing_else) {
    EXPECT_EQ(fault("", 0), "its header does not begin with '{'");
    EXPECT_EQ(fault(" {}", 0), "its header does not begin with '{'");
    EXPECT_EQ(fault("[]", 0), "its header does not begin with '{'");
    EXPECT_EQ(fault("{} {}", 0), "something follows the JSON of its header");
    EXPECT_TRUE(fault("{\"a\":", 0).starts_with("its header is not JSON"));
    EXPECT_TRUE(fault("{\"a\xff\":{}}", 0).starts_with("its header is not JSON"));
    EXPECT_TRUE(fault("{\"a\":{\"shape\":[[1]]}}", 0).starts_with("its header is not JSON"));
    std::string deep = "{\"a\":";
    deep.append(100'000, '[');
    EXPECT_FALSE(fault(deep, 0).empty());
}

TEST(safetensors_header, refuses_a_name_that_stands_twice) {
    const std::string twice = entry("a", "F16", "1", "0,2") + "," + entry("a", "F16", "1", "2,4");
    EXPECT_EQ(fault_of(twice, 4), "'a' stands twice");
    const std::string escaped =
        entry("a", "F16", "1", "0,2") + "," + entry("\\u0061", "F16", "1", "2,4");
    EXPECT_EQ(fault_of(escaped, 4), "'a' stands twice");
    EXPECT_EQ(fault("{\"__metadata__\":{},\"__metadata__\":{}}", 0), "'__metadata__' stands twice");
}

TEST(safetensors_header, refuses_fields_that_are_missing_double_or_unknown) {
    EXPECT_EQ(fault("{\"a\":{}}", 0), "tensor 'a' has no dtype");
    EXPECT_EQ(fault("{\"a\":{\"dtype\":\"F32\"}}", 0), "tensor 'a' has no shape");
    EXPECT_EQ(
        fault("{\"a\":{\"dtype\":\"F32\",\"shape\":[]}}", 0), "tensor 'a' has no data_offsets"
    );
    EXPECT_EQ(
        fault("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", 0), "tensor 'a' has two of dtype"
    );
    EXPECT_EQ(fault("{\"a\":{\"type\":1}}", 0), "tensor 'a' has the unknown field 'type'");
}

TEST(safetensors_header, refuses_what_is_of_another_kind) {
    EXPECT_EQ(fault("{\"a\":1}", 0), "'a' is a number, not the object of a tensor");
    EXPECT_EQ(fault("{\"a\":[1]}", 0), "'a' is a list, not the object of a tensor");
    EXPECT_EQ(
        fault("{\"__metadata__\":{\"a\":1}}", 0), "__metadata__ has a number where a text belongs"
    );
    EXPECT_EQ(
        fault("{\"a\":{\"dtype\":32}}", 0), "tensor 'a' has a number where dtype must be a text"
    );
    EXPECT_EQ(
        fault("{\"a\":{\"shape\":\"2\"}}", 0), "tensor 'a' has a text where shape must be a list"
    );
    EXPECT_EQ(
        fault("{\"a\":{\"shape\":null}}", 0), "tensor 'a' has null where shape must be a list"
    );
    EXPECT_EQ(
        fault("{\"a\":{\"shape\":{}}}", 0), "tensor 'a' has an object where shape must be a list"
    );
    const std::string numbers = " where shape must have whole numbers";
    EXPECT_EQ(fault_of(entry("a", "F32", "1.5", "0,4"), 4), "tensor 'a' has a fraction" + numbers);
    EXPECT_EQ(fault_of(entry("a", "F32", "1e2", "0,4"), 4), "tensor 'a' has a fraction" + numbers);
    EXPECT_EQ(
        fault_of(entry("a", "F32", "-1", "0,4"), 4), "tensor 'a' has a negative number" + numbers
    );
    EXPECT_EQ(fault_of(entry("a", "F32", "true", "0,4"), 4), "tensor 'a' has a boolean" + numbers);
    EXPECT_EQ(
        fault_of(entry("a", "F32", "1", "0,\"4\""), 4),
        "tensor 'a' has a text where data_offsets must have whole numbers"
    );
}

TEST(safetensors_header, refuses_shapes_and_offsets_of_another_length) {
    EXPECT_EQ(fault_of(entry("a", "F32", "1", "0"), 4), "tensor 'a' has 1 data_offsets, not 2");
    EXPECT_EQ(
        fault_of(entry("a", "F32", "1", "0,4,4"), 4), "tensor 'a' has more than 2 data_offsets"
    );
    std::string ones = "1";
    for (std::size_t i = 0; i < tensor_dimensions_max; ++i)
        ones += ",1";
    EXPECT_EQ(
        fault_of(entry("a", "F32", ones, "0,4"), 4), "tensor 'a' has more than 16 dimensions"
    );
}

TEST(safetensors_header, refuses_sizes_that_do_not_agree) {
    EXPECT_EQ(
        fault_of(entry("a", "F32", "2", "0,4"), 4),
        "tensor 'a' takes 4 bytes; its shape and dtype need 8"
    );
    EXPECT_EQ(fault_of(entry("a", "F33", "1", "0,4"), 4), "tensor 'a' has the unknown dtype 'F33'");
    EXPECT_EQ(
        fault_of(entry("a", std::string(4000, 'F'), "1", "0,4"), 4), "tensor 'a' has no such dtype"
    );
    EXPECT_EQ(
        fault_of(entry("a", "F32", "4294967296,4294967296", "0,0"), 0),
        "tensor 'a' has a shape of more than 2^64 bits"
    );
    EXPECT_EQ(fault_of(entry("a", "F4", "3", "0,2"), 2), "tensor 'a' does not end on a whole byte");
}

TEST(safetensors_header, refuses_tensors_that_lie_elsewhere) {
    EXPECT_EQ(fault_of(entry("a", "F32", "1", "4,0"), 4), "tensor 'a' ends before it begins");
    EXPECT_EQ(
        fault_of(entry("a", "F32", "2", "0,8"), 4), "tensor 'a' ends at byte 8 of 4 bytes of data"
    );
    EXPECT_EQ(
        fault_of(entry("a", "F32", "1", "18446744073709551612,18446744073709551616"), 4),
        "tensor 'a' has a fraction where data_offsets must have whole numbers"
    );
    EXPECT_EQ(
        fault_of(entry("a", "F32", "1", "0,4") + "," + entry("b", "F32", "1", "2,6"), 8),
        "tensors 'a' and 'b' overlap"
    );
    EXPECT_EQ(
        fault_of(entry("a", "F32", "1", "0,4") + "," + entry("b", "F32", "1", "0,4"), 4),
        "tensors 'a' and 'b' overlap"
    );
    EXPECT_EQ(
        fault_of(entry("a", "F32", "1", "0,4") + "," + entry("b", "F32", "1", "5,9"), 9),
        "a gap stands before tensor 'b'"
    );
    EXPECT_EQ(fault_of(entry("a", "F32", "1", "1,5"), 5), "a gap stands before tensor 'a'");
    EXPECT_EQ(
        fault_of(entry("a", "F32", "1", "0,4"), 5), "its tensors end at byte 4 of 5 bytes of data"
    );
}

TEST(safetensors_header, bounds_its_names) {
    const std::string longest(tensor_name_bytes_max, 'n');
    EXPECT_EQ(fault_of(entry(longest, "F32", "1", "0,4"), 4), "");
    EXPECT_EQ(
        fault_of(entry(longest + "n", "F32", "1", "0,4"), 4), "a name is longer than 1024 bytes"
    );
}

std::array<std::byte, 8> prefix_of(std::uint64_t length) {
    std::array<std::byte, 8> made{};
    for (std::size_t i = 0; i < made.size(); ++i)
        made[i] = static_cast<std::byte>(length >> 8 * i & 0xff);
    return made;
}

TEST(safetensors_header, claims_no_more_than_its_file_has) {
    EXPECT_EQ(header_length(prefix_of(258), 300).value(), 258u);
    EXPECT_EQ(header_length(prefix_of(292), 300).value(), 292u);
    EXPECT_TRUE(header_length(prefix_of(293), 300).has_error());
    EXPECT_TRUE(header_length(prefix_of(header_bytes_max + 1), ~0ull).has_error());
    EXPECT_TRUE(header_length(prefix_of(~0ull), ~0ull).has_error());
    EXPECT_EQ(header_length(prefix_of(header_bytes_max), ~0ull).value(), header_bytes_max);
    const auto prefix = prefix_of(0);
    EXPECT_TRUE(header_length(std::span(prefix).first(7), 7).has_error());
}

}  // namespace
}  // namespace penstock::worker
