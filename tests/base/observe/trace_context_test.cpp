// Trace headers and request ids.
#include "penstock/observe/trace_context.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <unordered_set>

namespace penstock::observe {
namespace {

const std::string valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(traceparent, is_read_as_its_parts) {
    const auto read = parse_traceparent(valid);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->trace_id, "0af7651916cd43dd8448eb211c80319c");
    EXPECT_EQ(read->parent_id, "b7ad6b7169203331");
    EXPECT_TRUE(read->sampled);
    EXPECT_FALSE(parse_traceparent(valid.substr(0, 53) + "02")->sampled);
}

TEST(traceparent, of_a_later_version_may_be_longer) {
    EXPECT_TRUE(parse_traceparent("cc" + valid.substr(2)).has_value());
    EXPECT_TRUE(parse_traceparent("cc" + valid.substr(2) + "-what-comes").has_value());
    EXPECT_FALSE(parse_traceparent("cc" + valid.substr(2) + ".what-comes").has_value());
    EXPECT_FALSE(parse_traceparent(valid + "-what-comes").has_value());
}

TEST(traceparent, is_refused_when_malformed) {
    const std::string trace(32, '0'), parent(16, '0');
    EXPECT_FALSE(parse_traceparent("").has_value());
    EXPECT_FALSE(parse_traceparent("ff" + valid.substr(2)).has_value());
    EXPECT_FALSE(parse_traceparent("00-" + trace + valid.substr(35)).has_value());
    EXPECT_FALSE(parse_traceparent(valid.substr(0, 36) + parent + "-01").has_value());
    for (std::size_t i = 0; i < valid.size(); ++i) {
        EXPECT_FALSE(parse_traceparent(valid.substr(0, i)).has_value()) << i;
        for (char bad : {'G', 'A', ' ', '_', '\0'}) {
            std::string text = valid;
            text[i] = bad;
            EXPECT_FALSE(parse_traceparent(text).has_value()) << i << bad;
        }
    }
}

TEST(request_ids, look_as_promised) {
    const auto id = request_ids(42, 0).next();
    EXPECT_EQ(id.view().size(), 20u);
    EXPECT_EQ(id.view().substr(0, 4), "req-");
    EXPECT_EQ(id.view().find_first_not_of("0123456789abcdef", 4), std::string_view::npos);
    EXPECT_TRUE(is_valid_request_id(id.view()));
}

TEST(request_ids, differ_over_threads_and_processes) {
    std::mt19937_64 random(5);
    std::unordered_set<std::string> seen;
    for (int process = 0; process < 4; ++process) {
        const std::uint64_t seed = random();
        for (int thread = 0; thread < 8; ++thread) {
            request_ids ids(seed, thread);
            for (int i = 0; i < 5000; ++i)
                seen.emplace(ids.next().view());
        }
    }
    EXPECT_EQ(seen.size(), 4u * 8 * 5000);
}

TEST(client_request_id, is_printable_ascii_of_at_most_128_bytes) {
    EXPECT_TRUE(is_valid_request_id("a"));
    EXPECT_TRUE(is_valid_request_id("5c1e:~ {\"x\"}"));
    EXPECT_TRUE(is_valid_request_id(std::string(128, 'x')));
    EXPECT_FALSE(is_valid_request_id(std::string(129, 'x')));
    EXPECT_FALSE(is_valid_request_id(""));
    for (int c = 0; c < 256; ++c) {
        const std::string id{'a', static_cast<char>(c)};
        EXPECT_EQ(is_valid_request_id(id), c >= 0x20 && c < 0x7f) << c;
    }
}

}  // namespace
}  // namespace penstock::observe
