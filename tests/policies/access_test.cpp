// What a key may use.
#include "policies/access/access.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::access {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view routes[] = {"/v1/chat/completions", "/v1/embeddings", "/v1/rerank"};
const question chat{.model = {3}, .model_name = "chat", .route = 0};

TEST(index_set, holds_all_until_something_is_put_in) {
    index_set s;
    EXPECT_TRUE(s.contains(0));
    EXPECT_TRUE(s.contains(1'000'000));
    s.add(70);
    EXPECT_TRUE(s.contains(70));
    for (const std::uint32_t other : {0u, 6u, 69u, 71u, 128u, 1'000'000u})
        EXPECT_FALSE(s.contains(other)) << other;
}

TEST(access, of_a_key_without_lists_is_unrestricted) {
    EXPECT_TRUE(check({}, chat, routes));
    EXPECT_EQ(clamp_class({}, request_class::bulk), request_class::bulk);
}

TEST(access, is_refused_for_a_model_that_is_not_listed_and_names_it) {
    rights key;
    key.models.add(2);
    const auto r = check(key, chat, routes);
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().code, errc::model_not_allowed);
    EXPECT_THAT(r.error().message, HasSubstr("'chat'"));
    EXPECT_EQ(r.error().param, "model");
    key.models.add(3);
    EXPECT_TRUE(check(key, chat, routes));
}

TEST(access, is_refused_for_a_route_that_is_not_listed_and_lists_those_that_are) {
    rights key;
    key.routes.add(1);
    key.routes.add(2);
    const auto r = check_route(key, 0, routes);
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().code, errc::route_not_allowed);
    EXPECT_THAT(r.error().message, HasSubstr("may not use /v1/chat/completions"));
    EXPECT_THAT(r.error().message, HasSubstr("/v1/embeddings, /v1/rerank"));
    EXPECT_TRUE(check_route(key, 1, routes));
}

TEST(access, asks_for_the_route_before_the_model) {
    rights key;
    key.routes.add(1);
    key.models.add(9);
    EXPECT_EQ(check(key, chat, routes).error().code, errc::route_not_allowed);
}

TEST(access, clamps_a_class_to_one_that_the_key_has) {
    rights bulk_only, realtime_only;
    bulk_only.classes.add(static_cast<std::uint32_t>(request_class::bulk));
    realtime_only.classes.add(static_cast<std::uint32_t>(request_class::realtime));
    EXPECT_EQ(clamp_class(bulk_only, request_class::realtime), request_class::bulk);
    EXPECT_EQ(clamp_class(bulk_only, request_class::bulk), request_class::bulk);
    EXPECT_EQ(clamp_class(realtime_only, request_class::bulk), request_class::realtime);
}

}  // namespace
}  // namespace penstock::access
